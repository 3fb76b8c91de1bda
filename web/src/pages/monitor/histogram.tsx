// One window's distribution over the frozen bins of the reference.
import { useCallback, useMemo } from 'react';
import { SERIES } from '@/app/theme';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { count, localDay, number, percent } from '@/parts/format';
import { binsOf } from './shape';
import type { FeatureFacts, FeatureWindow } from './types';
import '@/parts/bars.css';

const MANY = 26;

export function Overlay({
  facts,
  window,
  title,
  height = 280,
}: {
  facts: FeatureFacts;
  window: FeatureWindow;
  title: string;
  height?: number;
}) {
  const reference = facts.references[window.reference] ?? facts.references[facts.reference];
  const [taught, now] = useMemo(() => {
    const shape = { edges: reference?.edges ?? facts.edges, categories: reference?.categories ?? facts.categories };
    return [
      reference ? binsOf({ ...shape, counts: reference.counts }) : [],
      binsOf({ ...shape, counts: window.counts }),
    ];
  }, [reference, facts, window]);
  const draw = useCallback<Draw>(
    (plot) => {
      const names = now.map((bin) => bin.name);
      const most = Math.max(...names.map((name) => name.length));
      const turned = names.length > 8 || most > 12;
      return {
        marginLeft: 48,
        marginBottom: turned ? 20 + Math.min(110, most * 6) : 34,
        x: {
          label: null,
          domain: names,
          tickRotate: turned ? -55 : 0,
          ticks: names.length > MANY ? names.filter((_, i) => i % 3 === 0) : undefined,
        },
        y: { label: '% of rows', percent: true, grid: true },
        marks: [
          plot.barY(now, { x: 'name', y: 'share', fill: SERIES[0], fillOpacity: 0.55, inset: 1 }),
          plot.tickY(taught, { x: 'name', y: 'share', stroke: SERIES[1], strokeWidth: 2.5 }),
          plot.ruleY([0]),
        ],
      } as ReturnType<Draw>;
    },
    [now, taught],
  );
  return (
    <ChartFrame
      title={title}
      table={{
        columns: ['bin', 'rows', 'share', 'share when taught'],
        rows: now.map((bin, index) => [bin.name, bin.n, bin.share, taught[index]?.share]),
      }}
      summary={`${title}: PSI ${number(window.psi, 3)} beside the reference, ${percent(window.nulls)} missing`}
      note={
        <>
          <span className="dot" style={{ background: SERIES[0], opacity: 0.55 }} />
          {localDay(window.from)} to {localDay(window.to)}, {count(window.n)} rows{'   '}
          <span className="dot" style={{ background: SERIES[1], height: 3, verticalAlign: 3, marginLeft: 12 }} />
          what{' '}
          {reference
            ? `${reference.version ? `${reference.model}@${reference.version}` : 'the model'} was taught, ${count(reference.n)} rows`
            : 'was taught: not known'}
          . Exact, on frozen bins.
        </>
      }
    >
      <Figure draw={draw} height={height} />
    </ChartFrame>
  );
}
