// Two versions of a dataset, column by column.
import type { State } from '@/parts/basics';
import { number, percent } from '@/parts/format';
import type { DatasetVersion } from './types';
import { between, showerOf } from './words';

type Pair<T> = { from: T | null; to: T | null } | null | undefined;

export interface ColumnDiff {
  column: string;
  type: string;
  change: 'added' | 'removed' | 'type' | 'shift' | 'none';
  psi: number | null;
  js: number | null;
  nulls: Pair<number>; // shares
  mean: Pair<number>;
  distinct: Pair<number>;
  histogram: { edges: number[]; from: number[]; to: number[] } | null;
  top: { value: string; from: number; to: number }[] | null;
}

export interface DatasetDiff {
  from: DatasetVersion;
  to: DatasetVersion;
  rows: { from: number; to: number };
  columns: ColumnDiff[];
  next: string | null;
  total: number;
}

/** Bars over the same bins, whatever the column holds. */
export function bars(column: ColumnDiff): { labels: string[]; from: number[]; to: number[] } | null {
  if (column.histogram) {
    const { edges, from, to } = column.histogram;
    const open = from.length === edges.length + 1;
    const shown = showerOf(column.type);
    const labels = from.map((_, index) =>
      open ? between(edges[index - 1], edges[index], shown) : between(edges[index], edges[index + 1], shown),
    );
    return { labels, from, to };
  }
  const top = column.top;
  if (!top) return null;
  return {
    labels: top.map((each) => each.value),
    from: top.map((each) => each.from),
    to: top.map((each) => each.to),
  };
}

const WORDS: Record<string, string> = {
  added: 'is new',
  removed: 'is gone',
  type: 'has another type',
  shift: 'has moved',
  none: 'is as before',
};

/** "temp has moved: the mean is 22.1 instead of 55.3, 12 % instead of 0.1 % are missing". */
export function told(column: ColumnDiff): string {
  const parts: string[] = [];
  const { mean, nulls } = column;
  if (mean && mean.from !== null && mean.to !== null && mean.from !== mean.to)
    parts.push(`the mean is ${number(mean.to)} instead of ${number(mean.from)}`);
  if (nulls && nulls.from !== null && nulls.to !== null && Math.abs(nulls.to - nulls.from) >= 0.001)
    parts.push(`${percent(nulls.to)} instead of ${percent(nulls.from)} are missing`);
  const head = `${column.column} ${WORDS[column.change] ?? column.change}`;
  return column.change !== 'none' && parts.length > 0 ? `${head}: ${parts.join(', ')}` : head;
}

export const tone = (column: ColumnDiff): NonNullable<Parameters<typeof State>[0]['tone']> =>
  column.change === 'none' ? 'ok' : column.change === 'shift' ? ((column.psi ?? 0) >= 0.25 ? 'bad' : 'warn') : 'bad';

export const shares = (counts: number[]) => {
  const total = counts.reduce((sum, each) => sum + each, 0);
  return counts.map((each) => (total > 0 ? each / total : 0));
};
