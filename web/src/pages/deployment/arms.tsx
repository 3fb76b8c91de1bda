// What each arm does now: counters since the start of the server, latency of the last one to two minutes.
import { useCallback, useMemo } from 'react';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { Arm, armColour, Shares } from '@/parts/bars';
import { Card, Empty, Interval, NodeLink } from '@/parts/basics';
import { count, millis, number, percent } from '@/parts/format';
import { percents, wilson } from '@/parts/wilson';
import type { Live, LiveArm } from './types';

export function Arms({ live }: { live: Live }) {
  const total = live.per_s;
  return (
    <Card
      title="Traffic now"
      actions={
        <span className="dim number">
          {total === null ? 'no requests lately' : `${number(total, 3)} requests a second`}
        </span>
      }
    >
      <Shares of={live.arms.filter((arm) => arm.arm !== 'shadow')} />
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Arms and what they do" style={{ marginTop: 10 }}>
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Arm</th>
              <th scope="col">Version</th>
              <th scope="col" className="right">
                Share
              </th>
              <th scope="col" className="right">
                Per second
              </th>
              <th scope="col" className="right">
                Answers
              </th>
              <th scope="col" className="right">
                Refused
              </th>
              <th scope="col" className="right">
                Errors (95 %)
              </th>
              <th scope="col" className="right">
                p50
              </th>
              <th scope="col" className="right">
                p95
              </th>
              <th scope="col" className="right">
                p99
              </th>
              <th scope="col" className="right">
                Mean score (95 %)
              </th>
              <th scope="col" className="right">
                Chosen (95 %)
              </th>
            </tr>
          </thead>
          <tbody>
            {live.arms.map((arm) => {
              const asked = arm.answers + arm.refused + arm.errors;
              return (
                <tr key={`${arm.arm} ${arm.version}`}>
                  <th scope="row">
                    <Arm arm={arm.arm} />
                  </th>
                  <td>
                    <NodeLink node={arm.node}>
                      {arm.model}@{arm.version}
                    </NodeLink>
                  </td>
                  <td className="right">{arm.arm === 'shadow' ? 'listens' : percent(arm.share, 0)}</td>
                  <td className="right">{number(arm.per_s, 3)}</td>
                  <td className="right">{count(arm.answers)}</td>
                  <td className="right">{count(arm.refused)}</td>
                  <td className="right">
                    {count(arm.errors)}
                    {arm.errors > 0 && (
                      <span className="dim">
                        {' '}
                        · <Interval of={percents(wilson(arm.errors, asked))} digits={2} unit=" %" />
                      </span>
                    )}
                  </td>
                  <td className="right">{millis(arm.latency_ms?.p50)}</td>
                  <td className="right">{millis(arm.latency_ms?.p95)}</td>
                  <td className="right">{millis(arm.latency_ms?.p99)}</td>
                  <td className="right">
                    <Interval of={arm.score_mean} />
                  </td>
                  <td className="right">
                    <Interval of={percents(arm.positive_share)} unit=" %" />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p className="chart-note">
        Answers, refusals, errors and scores since the server started, exact; latency and rate of the last one to two
        minutes. “Chosen” are rows whose score reaches the threshold.
      </p>
    </Card>
  );
}

interface Bar {
  arm: string;
  from: number;
  to: number;
  share: number;
  n: number;
}

export function barsOf(arms: LiveArm[]): Bar[] {
  return arms.flatMap((arm) => {
    const found = arm.latency_histogram;
    if (!found) return [];
    const all = found.counts.reduce((sum, each) => sum + each, 0);
    return found.counts.flatMap((n, index) =>
      n > 0 ? [{ arm: arm.arm, from: found.edges[index], to: found.edges[index + 1], share: n / all, n }] : [],
    );
  });
}

export function Latency({ arms }: { arms: LiveArm[] }) {
  const bars = useMemo(() => barsOf(arms), [arms]);
  const shown = useMemo(() => [...new Set(bars.map((bar) => bar.arm))], [bars]);
  const draw = useCallback<Draw>(
    (plot) => ({
      marginLeft: 44,
      marginRight: 60,
      marginBottom: 40,
      x: { type: 'log', label: 'milliseconds', tickFormat: (value: number) => number(value, 2) },
      y: { label: null, grid: true, percent: true, ticks: 3 },
      fy: { label: null, domain: shown },
      color: { domain: shown, range: shown.map(armColour) },
      marks: [
        plot.rectY(
          bars.map((bar) => ({ ...bar, from: Math.max(bar.from, bar.to / 4) })),
          { x1: 'from', x2: 'to', y: 'share', fy: 'arm', fill: 'arm', inset: 0.5 },
        ),
        plot.ruleY([0]),
      ],
    }),
    [bars, shown],
  );
  const table = {
    columns: ['arm', 'from ms', 'to ms', 'answers'],
    rows: bars.map((bar) => [bar.arm, bar.from, bar.to, bar.n]),
  };
  if (bars.length === 0)
    return (
      <Card title="Latency">
        <Empty title="No answers in the last two minutes">The histogram appears with the first request.</Empty>
      </Card>
    );
  return (
    <ChartFrame
      title="Latency"
      table={table}
      note="Percent of an arm's answers; logarithmic; of the last one to two minutes."
      summary={arms
        .filter((arm) => arm.latency_ms)
        .map(
          (arm) => `${arm.arm}: half within ${millis(arm.latency_ms?.p50)}, 99 % within ${millis(arm.latency_ms?.p99)}`,
        )
        .join('; ')}
    >
      <Figure draw={draw} height={80 + 110 * shown.length} />
    </ChartFrame>
  );
}
