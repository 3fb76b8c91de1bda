import { useGo } from '@/app/palette';
import { Arm, Shares } from '@/parts/bars';
import { Empty, NodeLink, PageFrame, State, Time, To } from '@/parts/basics';
import { percent } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';
import type { DeploymentItem } from './deployment/types';

const versionOf = (of: { model: string; version: number }) => (
  <NodeLink node={`model:${of.model}@${of.version}`}>
    {of.model}@{of.version}
  </NodeLink>
);

const COLUMNS: Column<DeploymentItem>[] = [
  {
    key: 'deployment',
    title: 'Deployment',
    cell: (row) => (
      <To to={`/deployments/${encodeURIComponent(row.deployment)}`}>
        <strong>{row.deployment}</strong>
      </To>
    ),
  },
  {
    key: 'state',
    title: 'State',
    width: 190,
    cell: (row) => (
      <span title={row.problem ?? undefined}>
        <State
          of={row.ready ? 'ready' : row.release ? 'not ready' : 'nothing released'}
          tone={row.ready ? 'ok' : row.release ? 'bad' : 'quiet'}
        />
      </span>
    ),
  },
  {
    key: 'stable',
    title: 'Stable',
    width: 160,
    cell: (row) =>
      row.release ? <Arm arm="stable">{versionOf(row.release.stable)}</Arm> : <span className="dim">–</span>,
  },
  {
    key: 'canary',
    title: 'Canary',
    width: 190,
    cell: (row) =>
      row.release?.canary ? (
        <Arm arm="canary">
          {versionOf(row.release.canary)} {percent(row.release.canary.share, 0)}
        </Arm>
      ) : (
        <span className="dim">–</span>
      ),
  },
  {
    key: 'split',
    title: 'Split',
    width: 130,
    cell: (row) =>
      row.release && (
        <Shares
          of={[
            { arm: 'stable', share: 1 - (row.release.canary?.share ?? 0) },
            { arm: 'canary', share: row.release.canary?.share ?? 0 },
          ]}
        />
      ),
  },
  {
    key: 'shadows',
    title: 'Shadows',
    width: 150,
    cell: (row) =>
      row.release?.shadows.length ? (
        <Arm arm="shadow">{row.release.shadows.map((each) => `@${each.version}`).join(', ')}</Arm>
      ) : (
        <span className="dim">–</span>
      ),
  },
  {
    key: 'alerts',
    title: 'Open alerts',
    width: 130,
    cell: (row) =>
      row.open_alerts > 0 ? (
        <To to={`/alerts?deployment=${encodeURIComponent(row.deployment)}&state=open`}>
          <State of="alerts" tone={row.worst_alert?.severity === 'page' ? 'bad' : 'warn'}>
            {row.open_alerts} open
          </State>
        </To>
      ) : (
        <span className="dim">none</span>
      ),
  },
  { key: 'since', title: 'Since', width: 130, cell: (row) => <Time at={row.release?.created_at} relative /> },
];

export function Deployments() {
  const go = useGo();
  return (
    <PageFrame title="Deployments" subtitle="Where versions answer: arms, their shares, and what moved them">
      <PagedList<DeploymentItem>
        label="Deployments"
        path="/deployments"
        columns={COLUMNS}
        keyOf={(row) => row.deployment}
        rowHeight={44}
        onOpen={(row) => go(`/deployments/${encodeURIComponent(row.deployment)}`)}
        empty={
          <Empty title="No deployment yet" command="millrace model list">
            Name one under deployments: in the project file (millrace.yaml). Which models there are:
          </Empty>
        }
      />
    </PageFrame>
  );
}
