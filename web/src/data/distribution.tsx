// The distribution of one column, large, with its quantiles.
import { useCallback, useMemo } from 'react';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { Card, Empty } from '@/parts/basics';
import { percent } from '@/parts/format';
import type { ColumnProfile } from './types';
import { barsOf, isTime, showerOf } from './words';

export function Distribution({ column }: { column: ColumnProfile }) {
  const bars = useMemo(() => barsOf(column), [column]);
  const numbers = column.histogram !== null;
  const draw = useCallback<Draw>(
    (plot) =>
      numbers
        ? {
            marginLeft: 60,
            marginBottom: 70,
            x: { domain: bars.map((bar) => bar.label), label: null, tickRotate: -35, type: 'band' },
            y: { label: 'rows', grid: true },
            marks: [
              plot.barY(bars, { x: 'label', y: 'rows', fill: 'var(--link)', fillOpacity: 0.75, tip: true }),
              plot.ruleY([0], { stroke: 'var(--chart-grid)' }),
            ],
          }
        : {
            marginLeft: 140,
            x: { label: 'rows', grid: true },
            y: { label: null, domain: bars.map((bar) => bar.label) },
            marks: [plot.barX(bars, { x: 'rows', y: 'label', fill: 'var(--link)', fillOpacity: 0.75, tip: true })],
          },
    [bars, numbers],
  );
  const quantiles = column.quantiles;
  const shown = showerOf(column.type);
  return (
    <div className="grid two">
      <ChartFrame
        title={`Distribution of ${column.column}`}
        table={{ columns: ['value', 'rows'], rows: bars.map((bar) => [bar.label, bar.rows]) }}
        note={
          numbers ? 'exact counts on frozen bins; rows without a value are left out' : 'the most frequent values, exact'
        }
      >
        {bars.length === 0 ? (
          <Empty title="No value was counted" />
        ) : (
          <Figure draw={draw} height={numbers ? 290 : Math.max(120, bars.length * 22 + 50)} />
        )}
      </ChartFrame>
      {quantiles && (
        <Card title={`Quantiles of ${column.column}`}>
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">share of rows below</th>
                <th scope="col" className="right">
                  value
                </th>
              </tr>
            </thead>
            <tbody>
              {quantiles.shares.map((share, index) => (
                <tr key={share}>
                  <td>{percent(share, share < 0.01 || share > 0.99 ? 1 : 0)}</td>
                  <td className="right">{shown(quantiles.values[index])}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className="chart-note">
            {quantiles.exact ? 'exact' : `approximate: the share is within ${percent(quantiles.error, 2)}`}
            {isTime(column.type) && ', UTC'}
          </p>
        </Card>
      )}
    </div>
  );
}
