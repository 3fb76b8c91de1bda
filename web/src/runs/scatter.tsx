// Two columns against each other, or several side by side: where good runs lie among all.
import { MultiSelect, SegmentedControl, Select } from '@mantine/core';
import { useCallback, useMemo } from 'react';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import type { Address } from '@/parts/address';
import { number } from '@/parts/format';
import { keyOf, listOf } from './columns';

export interface Row {
  column: string;
  values: (string | number | null)[];
  differs: boolean;
}

export const asNumber = (value: string | number | null) => {
  if (value === null || value === '') return null;
  const read = Number(value);
  return Number.isFinite(read) ? read : null;
};

/** Columns whose values are numbers, in at least two runs. */
export const numeric = (rows: Row[]) =>
  rows.filter(
    (row) =>
      row.values.filter((value) => asNumber(value) !== null).length >= 2 &&
      row.values.every((value) => value === null || asNumber(value) !== null),
  );

interface Props {
  runs: { id: string; name: string }[];
  rows: Row[];
  address: Address;
  change: (next: Address) => void;
}

export function Plots({ runs, rows, address, change }: Props) {
  const usable = useMemo(() => numeric(rows), [rows]);
  const names = usable.map((row) => ({ value: row.column, label: row.column }));
  const metrics = usable.filter((row) => row.column.startsWith('metrics.'));
  const others = usable.filter((row) => !row.column.startsWith('metrics.'));
  const form = address.plot ?? 'scatter';
  const x = usable.find((row) => row.column === address.x) ?? others[0] ?? metrics[1];
  const y = usable.find((row) => row.column === address.y) ?? metrics[0] ?? others[1];
  const wanted = listOf(address.axes);
  const axes = useMemo(
    () =>
      wanted.length
        ? (wanted.map((column) => usable.find((row) => row.column === column)).filter(Boolean) as Row[])
        : [...others.slice(0, 4), ...metrics.slice(0, 2)],
    [wanted, usable, others, metrics],
  );
  if (usable.length < 2)
    return <p className="dim">Fewer than two columns hold numbers in these runs, so there is nothing to plot.</p>;
  return (
    <>
      <div className="toolbar">
        <SegmentedControl
          value={form}
          onChange={(plot) => change({ plot: plot === 'scatter' ? undefined : plot })}
          aria-label="Form of the plot"
          data={[
            { label: 'two columns', value: 'scatter' },
            { label: 'parallel', value: 'parallel' },
          ]}
        />
        {form === 'scatter' ? (
          <>
            <Select
              aria-label="Horizontal"
              data={names}
              value={x?.column ?? null}
              onChange={(value) => change({ x: value ?? undefined })}
              searchable
              limit={200}
              w={260}
            />
            <Select
              aria-label="Vertical"
              data={names}
              value={y?.column ?? null}
              onChange={(value) => change({ y: value ?? undefined })}
              searchable
              limit={200}
              w={260}
            />
          </>
        ) : (
          <MultiSelect
            className="grow"
            aria-label="Axes"
            data={names}
            value={axes.map((row) => row.column)}
            onChange={(value) => change({ axes: value.join(',') })}
            searchable
            limit={200}
          />
        )}
      </div>
      {form === 'scatter' ? x && y && <Scatter runs={runs} x={x} y={y} /> : <Parallel runs={runs} axes={axes} />}
    </>
  );
}

function Scatter({ runs, x, y }: { runs: Props['runs']; x: Row; y: Row }) {
  const points = useMemo(
    () =>
      runs.flatMap((run, index) => {
        const at = asNumber(x.values[index]);
        const value = asNumber(y.values[index]);
        return at === null || value === null ? [] : [{ name: run.name, x: at, y: value }];
      }),
    [runs, x, y],
  );
  const draw = useCallback<Draw>(
    (plot) => ({
      marginLeft: 64,
      marginRight: 60,
      marginBottom: 40,
      grid: true,
      x: { label: keyOf(x.column), nice: true },
      y: { label: keyOf(y.column), nice: true },
      marks: [
        plot.dot(points, { x: 'x', y: 'y', fill: 'var(--link)', fillOpacity: 0.75, r: 4, tip: true, title: 'name' }),
        ...(points.length <= 20 ? [plot.text(points, { x: 'x', y: 'y', text: 'name', dy: -9, fontSize: 11 })] : []),
      ],
    }),
    [points, x, y],
  );
  return (
    <ChartFrame
      title={`${keyOf(y.column)} against ${keyOf(x.column)}`}
      table={{ columns: ['run', x.column, y.column], rows: points.map((point) => [point.name, point.x, point.y]) }}
      note={`${points.length} of ${runs.length} runs have both, exact last values`}
    >
      <Figure draw={draw} height={380} />
    </ChartFrame>
  );
}

function Parallel({ runs, axes }: { runs: Props['runs']; axes: Row[] }) {
  const data = useMemo(
    () =>
      axes.flatMap((row) => {
        const values = row.values.map(asNumber);
        const known = values.filter((value): value is number => value !== null);
        const low = Math.min(...known);
        const span = Math.max(...known) - low || 1;
        return values.flatMap((value, index) =>
          value === null
            ? []
            : [{ axis: row.column, run: runs[index].name, id: runs[index].id, value, at: (value - low) / span }],
        );
      }),
    [runs, axes],
  );
  const draw = useCallback<Draw>(
    (plot) => {
      const last = axes.at(-1);
      const tone = new Map(
        data.filter((point) => point.axis === last?.column).map((point) => [point.id, point.at] as const),
      );
      const ends = axes.flatMap((row) => {
        const known = row.values.map(asNumber).filter((value): value is number => value !== null);
        return [
          { axis: row.column, at: 0, text: number(Math.min(...known)) },
          { axis: row.column, at: 1, text: number(Math.max(...known)) },
        ];
      });
      return {
        marginLeft: 90,
        marginRight: 90,
        marginTop: 34,
        marginBottom: 34,
        x: { domain: axes.map((row) => row.column), label: null, tickFormat: keyOf, type: 'point', axis: 'bottom' },
        y: { axis: null, domain: [-0.08, 1.08] },
        color: { type: 'linear', range: ['#e69f00', '#56b4e9'], domain: [0, 1] },
        marks: [
          plot.ruleX(
            axes.map((row) => row.column),
            { stroke: 'var(--line)' },
          ),
          plot.line(data, {
            x: 'axis',
            y: 'at',
            z: 'id',
            stroke: (point: { id: string }) => tone.get(point.id) ?? 0.5,
            strokeOpacity: 0.75,
            curve: 'monotone-x',
          }),
          plot.dot(data, {
            x: 'axis',
            y: 'at',
            r: 3,
            fill: 'var(--chart-text)',
            tip: true,
            title: (point) => `${point.run}\n${keyOf(point.axis)} ${point.value}`,
          }),
          plot.text(
            ends.filter((end) => end.at === 1),
            { x: 'axis', y: 'at', text: 'text', dy: -12 },
          ),
          plot.text(
            ends.filter((end) => end.at === 0),
            { x: 'axis', y: 'at', text: 'text', dy: 12 },
          ),
        ],
      };
    },
    [data, axes],
  );
  return (
    <ChartFrame
      title="Columns side by side"
      table={{ columns: ['run', 'column', 'value'], rows: data.map((point) => [point.run, point.axis, point.value]) }}
      note="Each line is a run, its colour is its place on the last axis; exact last values"
    >
      <Figure draw={draw} height={400} />
    </ChartFrame>
  );
}
