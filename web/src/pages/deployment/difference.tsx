// A shadow's answers beside those that were given: whole, by row, by segment. Measured when asked for: it reads the log.
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { type ApiError, get, part } from '@/api/client';
import type { ReleaseArm } from '@/api/facts';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { Card, Interval, Problem, Stat } from '@/parts/basics';
import { count, number } from '@/parts/format';
import { type Column, List } from '@/parts/table';
import { percents } from '@/parts/wilson';
import type { Difference } from './types';

type Segment = Difference['segments'][number];

const COLUMNS: Column<Segment>[] = [
  { key: 'column', title: 'Column', cell: (row) => row.column },
  { key: 'value', title: 'Value', cell: (row) => row.value ?? <span className="dim">missing</span> },
  { key: 'rows', title: 'Rows', width: 100, right: true, cell: (row) => count(row.rows) },
  {
    key: 'flips',
    title: 'Decided otherwise (95 %)',
    width: 220,
    right: true,
    cell: (row) => <Interval of={percents(row.flip_rate)} digits={2} unit=" %" />,
  },
  { key: 'mean', title: 'Mean difference', width: 140, right: true, cell: (row) => number(row.mean, 3) },
  { key: 'abs', title: 'Mean distance', width: 130, right: true, cell: (row) => number(row.mean_abs, 3) },
];

function Histogram({ found }: { found: Difference }) {
  const bins = useMemo(() => {
    const { edges, counts } = found.histogram;
    return counts.map((n, index) => ({
      name:
        index === 0
          ? `under ${edges[0]}`
          : index === edges.length
            ? `${edges.at(-1)} and more`
            : `${edges[index - 1]} to ${edges[index]}`,
      rows: n,
    }));
  }, [found]);
  const draw = useCallback<Draw>(
    (plot) => ({
      marginLeft: 60,
      marginBottom: 42,
      x: { label: 'distance of the two scores', domain: bins.map((bin) => bin.name) },
      y: { label: 'rows', grid: true },
      marks: [plot.barY(bins, { x: 'name', y: 'rows', fill: 'var(--link)' }), plot.ruleY([0])],
    }),
    [bins],
  );
  return (
    <ChartFrame
      title="Distance by row"
      table={{ columns: ['distance', 'rows'], rows: bins.map((bin) => [bin.name, bin.rows]) }}
      note={`Half of the rows differ by at most ${number(found.quantiles.p50, 3)}, 99 % by at most ${number(found.quantiles.p99, 3)}, the most by ${number(found.max_abs, 3)}. Exact.`}
    >
      <Figure draw={draw} height={230} />
    </ChartFrame>
  );
}

function Found({ found }: { found: Difference }) {
  return (
    <div className="stack">
      <div className="grid small">
        <Stat
          label="Decided otherwise"
          value={<Interval of={percents(found.flip_rate)} digits={2} unit=" %" />}
          note={`${count(found.flips)} of ${count(found.rows)} rows that both answered`}
        />
        <Stat label="To chosen" value={count(found.to_positive)} note="which the other left alone" />
        <Stat label="To not chosen" value={count(found.to_negative)} note="which the other chose" />
        <Stat
          label="Mean difference of scores"
          value={number(found.mean, 3)}
          note={`mean distance ${number(found.mean_abs, 3)}`}
        />
      </div>
      <Histogram found={found} />
      <div>
        <h3 className="small-head">Where it differs most</h3>
        <List
          label="Segments, those that surely differ most first"
          columns={COLUMNS}
          rows={found.segments}
          total={found.segments.length}
          keyOf={(row) => `${row.column}=${row.value}`}
          height={320}
          rowHeight={32}
        />
      </div>
    </div>
  );
}

export function ShadowDifference({ deployment, shadow }: { deployment: string; shadow: ReleaseArm }) {
  const measured = useMutation<Difference, ApiError>({
    mutationFn: () => get<Difference>(`/deployments/${part(deployment)}/difference`, { version: shadow.version }),
  });
  return (
    <Card
      title={`Shadow ${shadow.model}@${shadow.version} beside what was answered`}
      actions={
        <Button size="compact-sm" variant="default" loading={measured.isPending} onClick={() => measured.mutate()}>
          {measured.data ? 'Measure again' : 'Measure'}
        </Button>
      }
    >
      {measured.error && <Problem error={measured.error} />}
      {measured.data ? (
        <Found found={measured.data} />
      ) : (
        !measured.error && (
          <p className="dim" style={{ margin: 0 }}>
            Reads the prediction log: each row that both answered, its two scores, and the segments where they part.
          </p>
        )
      )}
    </Card>
  );
}
