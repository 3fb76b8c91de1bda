// When each stage ran: a bar a run, of the newest ones.

import { NativeSelect } from '@mantine/core';
import { useCallback, useMemo } from 'react';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { localTime, seconds } from '@/parts/format';
import { bundles } from './bundles';
import type { StageRun } from './types';

const COLOURS: Record<string, string> = { done: 'var(--ok)', failed: 'var(--bad)', running: 'var(--warn)' };

interface Bar {
  stage: string;
  from: Date;
  to: Date;
  state: string;
  run: StageRun;
}

export function Gantt({
  runs,
  stages,
  span,
  setSpan,
}: {
  runs: StageRun[];
  stages: string[];
  span: string;
  setSpan: (span: string) => void;
}) {
  const bundled = useMemo(() => bundles(runs), [runs]);
  const shown = useMemo(() => (span === 'all' ? runs : (bundled[Number(span)] ?? [])), [bundled, runs, span]);
  const bars = useMemo(() => {
    const now = Date.now();
    return shown.map((run): Bar => {
      const from = Date.parse(run.started_at);
      return {
        stage: run.stage,
        from: new Date(from),
        to: new Date(run.ended_at ? Date.parse(run.ended_at) : now),
        state: run.reused ? 'reused' : run.state,
        run,
      };
    });
  }, [shown]);
  const draw = useCallback<Draw>(
    (plot) => {
      const names = stages.filter((name) => bars.some((bar) => bar.stage === name));
      const ran = bars.filter((bar) => bar.state !== 'reused');
      const reused = bars.filter((bar) => bar.state === 'reused');
      return {
        marginLeft: 120,
        marginBottom: 44,
        x: { type: 'time', label: null, grid: true },
        y: { domain: names, label: null },
        marks: [
          plot.barX(ran, {
            y: 'stage',
            x1: 'from',
            x2: 'to',
            fill: (bar: Bar) => COLOURS[bar.state] ?? 'var(--quiet)',
            inset: 3,
            title: (bar: Bar) => `${bar.stage}: ${bar.state}, ${seconds(bar.run.seconds)}, ${localTime(+bar.from)}`,
          }),
          // A bar of no width is not seen.
          plot.tickX(ran, {
            y: 'stage',
            x: 'from',
            stroke: (bar: Bar) => COLOURS[bar.state] ?? 'var(--quiet)',
            strokeWidth: 2,
          }),
          plot.dot(reused, { y: 'stage', x: 'from', stroke: 'var(--quiet)', r: 3.5 }),
        ],
      };
    },
    [bars, stages],
  );
  const nameOf = (bundle: StageRun[]) =>
    `${localTime(bundle[bundle.length - 1].started_at)} (${bundle.length} ${bundle.length === 1 ? 'run' : 'runs'})`;
  return (
    <ChartFrame
      title="When each stage ran"
      table={{
        columns: ['stage', 'state', 'started (UTC)', 'ended (UTC)', 'seconds'],
        rows: bars.map((bar) => [bar.stage, bar.state, bar.run.started_at, bar.run.ended_at, bar.run.seconds]),
      }}
      note="A bar is a run (green done, red failed, amber running), a ring one that was reused because nothing had changed."
      actions={
        <NativeSelect
          size="xs"
          aria-label="Which runs"
          value={span}
          onChange={(event) => setSpan(event.currentTarget.value)}
          data={[
            ...bundled.slice(0, 20).map((bundle, index) => ({ value: String(index), label: nameOf(bundle) })),
            { value: 'all', label: `all of the newest ${runs.length}` },
          ]}
        />
      }
    >
      <Figure draw={draw} height={74 + 26 * new Set(bars.map((bar) => bar.stage)).size} />
    </ChartFrame>
  );
}
