// One deployment watched: performance, drift by feature, calibration, labels and latency, from stored windows.
import { useMemo } from 'react';
import { part } from '@/api/client';
import { useGet } from '@/api/queries';
import { useAddress, usePathNames } from '@/parts/address';
import { Empty, Interval, PageFrame, Problem, Shown, Stat, State, To } from '@/parts/basics';
import { Choose } from '@/parts/choose';
import { millis, number, percent, seconds } from '@/parts/format';
import { Calibration, Confusion, NoLabels } from './monitor/calibration';
import { DriftScatter, DriftTable, useFeatures } from './monitor/drift';
import { Overlay } from './monitor/histogram';
import { Performance, pickMetric } from './monitor/performance';
import { lastOf, levelOf, newest } from './monitor/shape';
import { LabelSeries, LatencySeries, useWindows } from './monitor/traffic';
import type { FeatureFacts, PerformanceFacts } from './monitor/types';
import './monitor/monitor.css';

const SPANS = ['12', '26', '52', '104'];

function Scores({ deployment, feature }: { deployment: string; feature: string }) {
  const asked = useGet<FeatureFacts>(`/deployments/${part(deployment)}/features/${part(feature)}`, { arm: 'stable' });
  const last = asked.data?.windows.at(-1);
  if (asked.error) return <Problem error={asked.error} />;
  if (!asked.data || !last) return null;
  return <Overlay facts={asked.data} window={last} title="Scores of the newest window" />;
}

export function Monitor() {
  const { deployment } = usePathNames();
  const [address, change] = useAddress();
  const windows = address.windows ?? '26';
  const path = `/deployments/${part(deployment)}` as const;
  const performance = useGet<PerformanceFacts>(`${path}/performance`, { windows }, { keep: true });
  const features = useFeatures(deployment, 'all', windows);
  // Scores stand in windows of an arm, inputs in those of all requests.
  const scores = useFeatures(deployment, 'stable', '1');
  const heads = features.data?.pages[0]?.windows ?? [];
  const stored = useWindows(deployment, heads, 'all');
  const score = scores.data?.pages.flatMap((page) => page.features).find((row) => row.role === 'score');
  const worst = useMemo(() => features.data?.pages[0]?.features.find((row) => row.role === 'input'), [features.data]);
  const metric = performance.data && pickMetric(performance.data, address.metric);
  const last = lastOf(metric);
  const labels = performance.data?.labels.at(-1);
  const latency = stored.at(-1)?.summary.latency_us;
  return (
    <PageFrame
      title={`${deployment}, watched`}
      crumbs={[{ text: 'Monitoring', to: '/monitoring' }]}
      subtitle={
        <span className="row">
          <To to={`/deployments/${encodeURIComponent(deployment)}`}>Arms and releases</To>
          <To to={`/alerts?deployment=${encodeURIComponent(deployment)}`}>Alerts</To>
          <To to={`/impact?deployment=${encodeURIComponent(deployment)}`}>Impact</To>
        </span>
      }
      actions={
        <Choose
          label="How many windows"
          value={windows}
          options={SPANS.map((value) => ({ value, label: `${value} windows` }))}
          onChange={(value) => change({ windows: value })}
        />
      }
    >
      <div className="stack">
        <div className="grid small">
          <Stat
            label={metric ? `${metric.title}, newest window` : 'Performance'}
            value={last ? <Interval of={last} /> : '–'}
            note={
              last && metric?.threshold ? (
                <State
                  of={
                    { ok: 'within its limits', warn: 'worse than allowed', bad: 'far worse than allowed', quiet: '' }[
                      levelOf(last.value, metric.threshold, metric.threshold.below)
                    ]
                  }
                  tone={levelOf(last.value, metric.threshold, metric.threshold.below)}
                />
              ) : last ? (
                `${last.n} labelled rows`
              ) : (
                'no labels yet'
              )
            }
          />
          <Stat
            label="Drifts most"
            value={worst ? number(newest(worst.psi), 2) : '–'}
            note={
              worst ? (
                <>
                  PSI of{' '}
                  <To to={`/monitoring/${encodeURIComponent(deployment)}/${encodeURIComponent(worst.feature)}`}>
                    {worst.feature}
                  </To>
                </>
              ) : (
                'no window yet'
              )
            }
          />
          <Stat
            label="Labelled, newest window"
            value={percent(labels?.share, 0)}
            note={
              performance.data?.lag
                ? `half within ${seconds(performance.data.lag.median_s)}`
                : labels
                  ? `${labels.labels} of ${labels.answered} rows`
                  : undefined
            }
          />
          <Stat
            label="Latency p95, newest window"
            value={millis(latency ? latency.p95 / 1000 : null)}
            note={latency ? `p50 ${millis(latency.p50 / 1000)} · p99 ${millis(latency.p99 / 1000)}` : 'no requests'}
          />
        </div>
        <Shown of={performance}>{(facts) => <Performance facts={facts} />}</Shown>
        <DriftTable deployment={deployment} asked={features} />
        <div className="grid two">
          <DriftScatter asked={features} />
          {performance.data?.calibration ? (
            <Calibration facts={performance.data.calibration} />
          ) : (
            performance.data && <NoLabels title="Calibration" />
          )}
          {performance.data?.confusion ? (
            <Confusion facts={performance.data.confusion} />
          ) : (
            performance.data && <NoLabels title="Outcomes" />
          )}
          {score && <Scores deployment={deployment} feature={score.feature} />}
          <LatencySeries windows={stored} />
          {performance.data && <LabelSeries facts={performance.data} />}
        </div>
        {features.data && heads.length === 0 && (
          <Empty title="No window has ended yet" command={`millrace monitor look ${deployment}`} />
        )}
      </div>
    </PageFrame>
  );
}
