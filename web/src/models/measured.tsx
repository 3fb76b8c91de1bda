import { Interval } from '@/parts/basics';
import { words } from '@/parts/format';
import { change, estimateOf, inWords, type Side } from './diff';

export interface Measure {
  name: string;
  from: Side;
  to: Side;
  differs: boolean;
}

const certain = (metric: Measure) => [metric.from, metric.to].some((side) => typeof estimateOf(side)?.low === 'number');

/** What one reads first: figures with intervals before those without. */
export function Measured({ metrics, names }: { metrics: Measure[]; names: [string, string] }) {
  const sorted = [...metrics].sort((a, b) => Number(certain(b)) - Number(certain(a)));
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label="Measured figures">
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">figure</th>
            <th scope="col">{names[0]}</th>
            <th scope="col">{names[1]}</th>
            <th scope="col" className="right">
              change
            </th>
            <th scope="col">says</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((metric) => (
            <tr key={metric.name}>
              <th scope="row">{words(metric.name)}</th>
              <td className="nowrap">
                <Interval of={metric.from} />
              </td>
              <td className="nowrap">
                <Interval of={metric.to} />
              </td>
              <td className="right">{change(metric.from, metric.to)}</td>
              <td className={certain(metric) ? undefined : 'dim'}>{inWords(metric.from, metric.to)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
