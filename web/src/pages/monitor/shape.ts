// Answers of the server in the shape that charts take. No fetching, no drawing.
import type { Line } from '@/charts/series';
import { number } from '@/parts/format';
import type { FeatureReference, FeatureRow, Metric, Threshold } from './types';

export const ms = (at: string) => Date.parse(at);

/** Series of several arms and versions on one axis of times: where one has no window it has no point. */
export function alignedLines(series: Metric['series']): { x: number[]; lines: Line[] } {
  const times = [...new Set(series.flatMap((each) => each.points.map((point) => ms(point.to))))].sort((a, b) => a - b);
  const place = new Map(times.map((at, index) => [at, index]));
  const lines = series.map((each): Line => {
    const values: (number | null)[] = times.map(() => null);
    const low = [...values];
    const high = [...values];
    for (const point of each.points) {
      const index = place.get(ms(point.to)) as number;
      values[index] = point.value;
      low[index] = point.low ?? null;
      high[index] = point.high ?? null;
    }
    return { name: `${each.arm} ${each.model}@${each.version}`, values, low, high, dash: each.arm === 'shadow' };
  });
  return { x: times, lines };
}

export type Level = 'ok' | 'warn' | 'bad' | 'quiet';

/** Where a value stands beside its limits; `below` when small is bad. */
export function levelOf(value: number | null | undefined, limit: Threshold | null | undefined, below = false): Level {
  if (value === null || value === undefined) return 'quiet';
  if (!limit || (limit.warn === null && limit.page === null)) return 'quiet';
  const over = (bound: number | null) => bound !== null && (below ? value < bound : value > bound);
  return over(limit.page) ? 'bad' : over(limit.warn) ? 'warn' : 'ok';
}

export const newest = (values: (number | null)[]) => values.at(-1) ?? null;

/** How much a drifted feature matters: its distance times its importance, where that is known. */
export const weightOf = (row: FeatureRow) => (newest(row.psi) ?? 0) * (row.importance ?? 0);

export interface Bin {
  name: string;
  share: number;
  n: number;
  at: number; // place on the axis
}

/** Bins with names: of numbers between edges, of texts by category; the last are all others and missing ones. */
export function binsOf(of: Pick<FeatureReference, 'edges' | 'categories' | 'counts'>): Bin[] {
  const { edges, categories, counts } = of;
  const all = counts.reduce((sum, each) => sum + each, 0) || 1;
  return counts.map((n, index) => {
    let name: string;
    if (index === counts.length - 1) name = 'missing';
    else if (categories) name = categories[index] ?? 'others';
    else if (edges && edges.length > 0)
      name =
        index === 0
          ? `under ${number(edges[0], 3)}`
          : index === edges.length
            ? `${number(edges[edges.length - 1], 3)} or more`
            : `${number(edges[index - 1], 3)} to ${number(edges[index], 3)}`;
    else name = 'all';
    return { name, share: n / all, n, at: index };
  });
}

/** "17 % of visib are missing (limit 10 %)" – the plainest thing to say about a feature's newest window. */
export function saidOf(row: FeatureRow): string {
  const nulls = newest(row.nulls);
  const psi = newest(row.psi);
  if (levelOf(nulls, row.threshold.nulls) === 'bad' || levelOf(nulls, row.threshold.nulls) === 'warn') {
    const limit = row.threshold.nulls?.warn ?? row.threshold.nulls?.page;
    return `${number((nulls ?? 0) * 100, 3)} % are missing${limit ? `; limit ${number(limit * 100, 3)} %` : ''}`;
  }
  const level = levelOf(psi, row.threshold.psi);
  if (level === 'bad') return 'far from what the model was taught';
  if (level === 'warn') return 'further from what the model was taught than allowed';
  return psi === null ? 'not measured in the newest window' : 'as the model was taught';
}

/** With fewer labelled rows an interval says next to nothing, and would stretch the chart. */
export const FEW = 30;

/** The newest point of the stable arm with enough labels, of whichever version was on it. */
export function lastOf(metric: Metric | undefined): Metric['series'][number]['points'][number] | undefined {
  return metric?.series
    .filter((each) => each.arm === 'stable')
    .flatMap((each) => each.points)
    .filter((point) => point.n >= FEW)
    .sort((a, b) => (a.to === b.to ? a.n - b.n : a.to < b.to ? -1 : 1))
    .at(-1);
}
