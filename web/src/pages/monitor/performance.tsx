// How well answers came true: one metric over its windows, with bands, the reference, limits, releases and retrainings.
import { useMemo } from 'react';
import { type Limit, type Marker, Series } from '@/charts/series';
import { useAddress } from '@/parts/address';
import { Card, Empty, NodeLink, State, Time } from '@/parts/basics';
import { Choose } from '@/parts/choose';
import { capital, number } from '@/parts/format';
import { alignedLines, FEW, lastOf, levelOf, ms } from './shape';
import type { Metric, PerformanceFacts } from './types';

export const pickMetric = (facts: PerformanceFacts, name?: string): Metric | undefined =>
  facts.metrics.find((each) => each.metric === name) ?? facts.metrics[0];

export function Performance({ facts }: { facts: PerformanceFacts }) {
  const [address, change] = useAddress();
  const metric = pickMetric(facts, address.metric);
  const { x, lines, few } = useMemo(() => {
    const all = metric?.series ?? [];
    const kept = all
      .map((each) => ({ ...each, points: each.points.filter((point) => point.n >= FEW) }))
      .filter((each) => each.points.length > 0);
    const size = (series: typeof all) => series.reduce((sum, each) => sum + each.points.length, 0);
    return { ...alignedLines(kept), few: size(all) - size(kept) };
  }, [metric]);
  const limits = useMemo(() => {
    const out: Limit[] = [];
    const { threshold, reference } = metric ?? {};
    if (threshold?.page !== null && threshold?.page !== undefined)
      out.push({
        name: `page ${threshold.below ? 'below' : 'above'} ${number(threshold.page)}`,
        value: threshold.page,
        tone: 'bad',
      });
    if (threshold?.warn !== null && threshold?.warn !== undefined)
      out.push({
        name: `warn ${threshold.below ? 'below' : 'above'} ${number(threshold.warn)}`,
        value: threshold.warn,
        tone: 'warn',
      });
    if (reference?.value !== null && reference?.value !== undefined)
      out.push({
        name: `at approval of version ${reference.version}: ${number(reference.value, 3)}`,
        value: reference.value,
        tone: 'quiet',
      });
    return out;
  }, [metric]);
  const shown = useMemo(() => facts.markers.filter((marker) => marker.kind !== 'alert'), [facts]);
  const markers = useMemo(
    (): Marker[] =>
      shown.map((marker) => ({ at: ms(marker.at), name: marker.kind === 'retrain' ? 'retrained' : 'release' })),
    [shown],
  );
  if (!metric || x.length === 0)
    return (
      <Card title="Performance over time">
        <Empty title="No labels yet" command="millrace feedback DEPLOYMENT labels.csv --label NAME">
          Performance is known once it turns out what really happened. Send labels of answered predictions:
        </Empty>
      </Card>
    );
  const last = lastOf(metric);
  const level = levelOf(last?.value, metric.threshold, metric.threshold?.below);
  return (
    <div className="stack">
      <div className="row" style={{ justifyContent: 'space-between' }}>
        <Choose
          label="Metric"
          value={metric.metric}
          options={facts.metrics.map((each) => ({ value: each.metric, label: each.title }))}
          onChange={(value) => change({ metric: value })}
        />
        {level !== 'quiet' && (
          <State
            of={
              level === 'ok'
                ? 'within its limits'
                : level === 'warn'
                  ? 'worse than its warning limit'
                  : 'worse than its page limit'
            }
            tone={level}
          />
        )}
      </div>
      <Series
        title={`${capital(metric.title)} over time`}
        x={x}
        time
        lines={lines}
        limits={limits}
        markers={markers}
        height={290}
        note={`Each point is a window, placed at its end; bands are 95 % intervals of what the labels say. Exact on all labelled rows.${few > 0 ? ` ${few} points with fewer than ${FEW} labels are left out.` : ''}`}
      />
      {shown.length > 0 && (
        <details className="quiet-details">
          <summary>{shown.length} releases and retrainings in this time</summary>
          <ul className="plain-list">
            {shown.map((marker) => (
              <li key={`${marker.at} ${marker.node} ${marker.kind}`}>
                <Time at={marker.at} /> · <NodeLink node={marker.node}>{marker.text}</NodeLink>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
