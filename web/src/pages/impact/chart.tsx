// Value, gain or cost by month and arm, with intervals.
import { useCallback, useMemo } from 'react';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { useAddress } from '@/parts/address';
import { armColour } from '@/parts/bars';
import { Choose } from '@/parts/choose';
import { type Measure, money, pointOf } from './sums';
import type { ImpactFacts } from './types';
import '@/parts/bars.css';

const MEASURES = [
  { value: 'value', label: 'Value' },
  { value: 'gain', label: 'Gain over doing nothing' },
  { value: 'cost', label: 'Cost' },
];
const PER = [
  { value: '1000', label: 'per 1,000 requests' },
  { value: 'all', label: 'in all' },
];

export function Months({ facts }: { facts: ImpactFacts }) {
  const [address, change] = useAddress();
  const measure = (address.measure as Measure) ?? 'value';
  const whole = address.per === 'all';
  const points = useMemo(
    () =>
      facts.months.map((month) => ({
        ...pointOf(month, measure, whole),
        month: month.month,
        arm: month.arm,
        name: `${month.arm} ${month.model}@${month.version}`,
        n: month.labels,
      })),
    [facts, measure, whole],
  );
  const arms = useMemo(() => [...new Set(points.map((point) => point.arm))], [points]);
  const draw = useCallback<Draw>(
    (plot) => {
      const months = [...new Set(points.map((point) => point.month))].sort();
      return {
        marginLeft: 70,
        marginBottom: 40,
        fx: { domain: months, label: null, padding: 0.1 },
        x: { domain: arms, axis: null, padding: 0.4 },
        y: { grid: true, label: facts.currency },
        color: { domain: arms, range: arms.map(armColour), legend: false },
        marks: [
          plot.ruleY([0]),
          plot.ruleX(points, { fx: 'month', x: 'arm', y1: 'low', y2: 'high', stroke: 'arm', strokeWidth: 2 }),
          plot.dot(points, {
            fx: 'month',
            x: 'arm',
            y: 'value',
            fill: 'arm',
            r: 4.5,
            title: (point: (typeof points)[number]) => `${point.name}: ${money(point.value, facts.currency)}`,
          }),
        ],
      } as ReturnType<Draw>;
    },
    [points, arms, facts.currency],
  );
  return (
    <ChartFrame
      title={`${MEASURES.find((each) => each.value === measure)?.label ?? 'Value'} by month, ${whole ? 'in all' : 'per 1,000 requests'}`}
      table={{
        columns: ['month', 'arm and version', `value (${facts.currency})`, 'low', 'high', 'labels'],
        rows: points.map((point) => [point.month, point.name, point.value, point.low, point.high, point.n]),
      }}
      actions={
        <>
          <Choose
            label="What"
            value={measure}
            options={MEASURES}
            onChange={(value) => change({ measure: value === 'value' ? undefined : value })}
          />
          <Choose
            label="Per"
            value={whole ? 'all' : '1000'}
            options={PER}
            onChange={(value) => change({ per: value === 'all' ? 'all' : undefined })}
          />
        </>
      }
      note={
        <>
          {arms.map((arm) => (
            <span key={arm} style={{ marginRight: 14 }}>
              <span className="dot" style={{ background: armColour(arm) }} />
              {arm}
            </span>
          ))}
          {measure === 'cost'
            ? 'An upper bound: one core for as long as a request takes, and its label.'
            : `Lines are ${Math.round(facts.confidence * 100)} % intervals. ${facts.method}`}
        </>
      }
    >
      <Figure draw={draw} height={280} />
    </ChartFrame>
  );
}
