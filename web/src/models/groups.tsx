// A metric for each group, before and now, with intervals; small groups are said to be small.
import { useCallback, useMemo } from 'react';
import { SERIES } from '@/app/theme';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { Interval, State } from '@/parts/basics';
import { count, words } from '@/parts/format';
import { change, compared, estimateOf, type Side } from './diff';

export interface Group {
  by: string;
  group: string;
  rows: { from: number | null; to: number | null };
  metric: string;
  from: Side;
  to: Side;
  differs: boolean;
}

/** The smaller of both sides: it limits what can be said. */
const rowsOf = ({ rows }: Group) => {
  const known = [rows?.from, rows?.to].filter((each): each is number => typeof each === 'number');
  return known.length > 0 ? Math.min(...known) : null;
};

const SMALL = 500; // rows: an interval of fewer says little

export function GroupChart({
  by,
  metric,
  groups,
  names,
}: {
  by: string;
  metric: string;
  groups: Group[];
  names: [string, string];
}) {
  const shown = useMemo(() => groups.slice(0, 30), [groups]);
  const points = useMemo(
    () =>
      shown.flatMap((group) =>
        ([group.from, group.to] as Side[]).flatMap((side, index) => {
          const estimate = estimateOf(side);
          return estimate?.value === null || estimate === null
            ? []
            : [
                {
                  group: group.group,
                  version: names[index],
                  at: index === 0 ? -4 : 4,
                  value: estimate.value,
                  low: estimate.low ?? estimate.value,
                  high: estimate.high ?? estimate.value,
                },
              ];
        }),
      ),
    [shown, names],
  );
  const draw = useCallback<Draw>(
    (plot) => ({
      marginLeft: 120,
      marginRight: 16,
      marginBottom: 42,
      x: { label: words(metric), grid: true },
      y: { label: null, domain: shown.map((group) => group.group), type: 'band' },
      color: { domain: names, range: [SERIES[0], SERIES[1]], legend: true },
      marks: names.flatMap((name, index) => {
        const of = points.filter((point) => point.version === name);
        const dy = index === 0 ? -4 : 4;
        return [
          plot.ruleY(of, { y: 'group', x1: 'low', x2: 'high', stroke: 'version', strokeWidth: 2, dy }),
          plot.dot(of, {
            y: 'group',
            x: 'value',
            fill: 'version',
            symbol: index === 0 ? 'circle' : 'diamond',
            r: 4,
            dy,
            tip: true,
          }),
        ];
      }),
    }),
    [shown, points, metric, names],
  );
  const table = {
    columns: [by, 'version', metric, 'low', 'high'],
    rows: points.map((point) => [point.group, point.version, point.value, point.low, point.high]),
  };
  return (
    <ChartFrame
      title={`${words(metric)} by ${by}`}
      table={table}
      note={`What differs first${groups.length > 30 ? `; 30 of ${groups.length} groups` : ''}. Lines are intervals; ${names[0]} is a circle, ${names[1]} a diamond.`}
    >
      <Figure draw={draw} height={Math.max(160, shown.length * 26 + 82)} />
    </ChartFrame>
  );
}

const TONES = { higher: 'ok', lower: 'warn' } as const;

export function GroupTable({ groups, names }: { groups: Group[]; names: [string, string] }) {
  return (
    <table className="plain tight">
      <thead>
        <tr>
          <th scope="col">group</th>
          <th scope="col" className="right">
            rows
          </th>
          <th scope="col">{names[0]}</th>
          <th scope="col">{names[1]}</th>
          <th scope="col" className="right">
            change
          </th>
          <th scope="col">says</th>
        </tr>
      </thead>
      <tbody>
        {groups.slice(0, 100).map((group) => {
          const word = compared(group.from, group.to);
          const rows = rowsOf(group);
          return (
            <tr key={`${group.by} ${group.group} ${group.metric}`}>
              <td>{group.group}</td>
              <td className="right">
                {count(rows)}
                {rows !== null && rows < SMALL && <span className="dim"> small</span>}
              </td>
              <td className="nowrap">
                <Interval of={group.from} />
              </td>
              <td className="nowrap">
                <Interval of={group.to} />
              </td>
              <td className="right">{change(group.from, group.to)}</td>
              <td>
                {word === 'higher' || word === 'lower' ? (
                  <State of={word} tone={TONES[word]} />
                ) : (
                  <span className="dim" title={word}>
                    {word === 'no clear difference' ? 'unclear' : word}
                  </span>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
