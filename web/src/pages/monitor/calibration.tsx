// Whether scores mean what they say, and what the threshold makes of them; of the newest window with labels.
import { useCallback } from 'react';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { Card, Empty, Interval } from '@/parts/basics';
import { count, localDay, number } from '@/parts/format';
import { percents, wilson } from '@/parts/wilson';
import type { PerformanceFacts } from './types';

export function Calibration({ facts }: { facts: NonNullable<PerformanceFacts['calibration']> }) {
  const draw = useCallback<Draw>(
    (plot) => {
      const bins = facts.bins.map((bin) => ({ ...bin, ...bin.observed }));
      return {
        marginLeft: 48,
        x: { label: 'predicted', domain: [0, 1], grid: true },
        y: { label: 'observed', domain: [0, 1], grid: true },
        marks: [
          plot.line(
            [
              [0, 0],
              [1, 1],
            ],
            { stroke: 'var(--quiet)', strokeDasharray: '4,4' },
          ),
          plot.ruleX(bins, { x: 'predicted', y1: 'low', y2: 'high', stroke: 'var(--link)', strokeWidth: 1.5 }),
          plot.dot(bins, { x: 'predicted', y: 'value', r: 'rows', fill: 'var(--link)', fillOpacity: 0.75 }),
        ],
        r: { range: [2, 9] },
      };
    },
    [facts],
  );
  return (
    <ChartFrame
      title="Calibration"
      table={{
        columns: ['predicted', 'observed', 'low', 'high', 'rows'],
        rows: facts.bins.map((bin) => [
          bin.predicted,
          bin.observed.value,
          bin.observed.low,
          bin.observed.high,
          bin.rows,
        ]),
      }}
      note={`${facts.arm} version ${facts.version}, ${localDay(facts.from)} to ${localDay(facts.to)}; on the dashed line scores come true as often as they say; bars are 95 % intervals.`}
    >
      <Figure draw={draw} height={280} />
    </ChartFrame>
  );
}

export function Confusion({ facts }: { facts: NonNullable<PerformanceFacts['confusion']> }) {
  const { tp, fp, fn, tn } = facts;
  const rate = (hits: number, of: number) => <Interval of={percents(wilson(hits, of))} digits={3} unit=" %" />;
  return (
    <Card title={`Outcomes at the threshold ${number(facts.threshold, 3)}`}>
      <table className="plain confusion">
        <thead>
          <tr>
            <td />
            <th scope="col" className="right">
              came true
            </th>
            <th scope="col" className="right">
              did not
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">chosen</th>
            <td className="right good">{count(tp)}</td>
            <td className="right">{count(fp)}</td>
          </tr>
          <tr>
            <th scope="row">left alone</th>
            <td className="right">{count(fn)}</td>
            <td className="right good">{count(tn)}</td>
          </tr>
        </tbody>
      </table>
      <p style={{ marginBottom: 0 }}>
        Of what was chosen {rate(tp, tp + fp)} came true. Of what came true {rate(tp, tp + fn)} was chosen.
      </p>
      <p className="chart-note">
        {facts.arm} version {facts.version}, {localDay(facts.from)} to {localDay(facts.to)}; exact on{' '}
        {count(tp + fp + fn + tn)} labelled rows, 95 % intervals.
      </p>
    </Card>
  );
}

export function NoLabels({ title }: { title: string }) {
  return (
    <Card title={title}>
      <Empty title="Needs labels">It appears with the first window whose labels have come.</Empty>
    </Card>
  );
}
