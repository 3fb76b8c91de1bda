import type { Page } from '@/api/client';
import { part } from '@/api/client';
import type { Release } from '@/api/facts';
import { useGet, usePages } from '@/api/queries';
import { usePathNames } from '@/parts/address';
import { Empty, NodeLink, PageFrame, Shown, State, Time, To } from '@/parts/basics';
import { count, number, words } from '@/parts/format';
import { Arms, Latency } from './deployment/arms';
import { ShadowDifference } from './deployment/difference';
import { History } from './deployment/history';
import { Moves } from './deployment/moves';
import { RolloutCard } from './deployment/rollout';
import type { DeploymentItem, Live } from './deployment/types';
import './deployment/deployment.css';

const LOOK_MS = 2_000;

export function Deployment() {
  const { deployment } = usePathNames();
  const listed = useGet<Page<DeploymentItem>>('/deployments', { limit: 500 });
  const item = listed.data?.items.find((each) => each.deployment === deployment);
  const releases = usePages<Release>(`/deployments/${part(deployment)}/releases`);
  const history = releases.data?.pages.flatMap((page) => page.items) ?? [];
  const release = history[0] ?? item?.release ?? null;
  const live = useGet<Live>(`/deployments/${part(deployment)}/live`, {}, { every: LOOK_MS, enabled: release !== null });
  const model = release?.stable.model ?? item?.model ?? '';
  return (
    <PageFrame
      title={deployment}
      crumbs={[{ text: 'Deployments', to: '/deployments' }]}
      subtitle={
        <span className="row">
          {item && <State of={item.ready ? 'ready' : (item.problem ?? 'not ready')} tone={item.ready ? 'ok' : 'bad'} />}
          {release && (
            <span>
              release {release.number}, <NodeLink node={`model:${model}@${release.stable.version}`} />,{' '}
              <Time at={release.created_at} relative />
            </span>
          )}
          {item && item.open_alerts > 0 && (
            <To to={`/alerts?deployment=${encodeURIComponent(deployment)}&state=open`}>
              <State
                of={item.worst_alert?.severity ?? 'warn'}
                tone={item.worst_alert?.severity === 'page' ? 'bad' : 'warn'}
              >
                {count(item.open_alerts)} open {item.open_alerts === 1 ? 'alert' : 'alerts'}
              </State>
            </To>
          )}
          <To to={`/monitoring/${encodeURIComponent(deployment)}`}>Monitoring</To>
          <To to={`/impact?deployment=${encodeURIComponent(deployment)}`}>Impact</To>
        </span>
      }
      actions={
        model && <Moves deployment={deployment} model={model} release={release} rollout={live.data?.rollout ?? null} />
      }
    >
      <div className="stack">
        {release === null && !releases.isPending ? (
          <Empty title="Nothing is released here yet" command={`millrace release create ${deployment}`}>
            Approve a version of {model || 'the model'}, then release it with the button above or with:
          </Empty>
        ) : (
          <Shown of={live}>
            {(now) => (
              <>
                <Arms live={now} />
                <div className="grid two" style={{ alignItems: 'start' }}>
                  <RolloutCard deployment={deployment} rollout={now.rollout} policy={item?.spec?.rollout ?? false} />
                  <Latency arms={now.arms} />
                </div>
              </>
            )}
          </Shown>
        )}
        {release?.shadows.map((shadow) => (
          <ShadowDifference key={shadow.version} deployment={deployment} shadow={shadow} />
        ))}
        {item?.spec && (
          <p className="chart-note">
            A unit of traffic is “{item.spec.unit}”; requests beyond the contract are guarded by “
            {words(item.spec.guard)}”; each arm runs{' '}
            {item.spec.isolation === 'process' ? 'in a process of its own' : 'within the server'}; a canary starts with{' '}
            {number(item.spec.canary_share * 100, 3)} %.
          </p>
        )}
        <History deployment={deployment} newest={history} />
      </div>
    </PageFrame>
  );
}
