// All releases, newest first; one opens with its reason and the evidence that it was decided on.

import { part } from '@/api/client';
import type { Release } from '@/api/facts';
import { useAddress } from '@/parts/address';
import { Card, Facts, IconButton, NodeLink, State, Time } from '@/parts/basics';
import { percent, words } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';
import { Guardrails } from './guardrails';

const arm = (of: { model: string; version: number }) => (
  <NodeLink node={`model:${of.model}@${of.version}`}>
    {of.model}@{of.version}
  </NodeLink>
);

const COLUMNS: Column<Release>[] = [
  { key: 'number', title: '#', width: 64, right: true, cell: (row) => row.number },
  {
    key: 'step',
    title: 'Step',
    width: 130,
    cell: (row) => (row.restores ? `back to #${row.restores}` : words(row.step || 'release')),
  },
  { key: 'stable', title: 'Stable', width: 150, cell: (row) => arm(row.stable) },
  {
    key: 'canary',
    title: 'Canary',
    width: 170,
    cell: (row) =>
      row.canary ? (
        <>
          {arm(row.canary)} {percent(row.canary.share, 0)}
        </>
      ) : (
        <span className="dim">–</span>
      ),
  },
  { key: 'reason', title: 'Reason', cell: (row) => <span title={row.reason}>{row.reason}</span> },
  { key: 'subject', title: 'By', width: 150, cell: (row) => row.subject },
  { key: 'at', title: 'When', width: 215, cell: (row) => <Time at={row.created_at} /> },
];

function One({ release, close }: { release: Release; close: () => void }) {
  return (
    <Card
      title={`Release ${release.number}`}
      actions={
        <IconButton label="Close" onClick={close}>
          ×
        </IconButton>
      }
    >
      <Facts
        of={[
          ['Reason', release.reason],
          ['By', release.subject],
          ['Recorded', <Time key="t" at={release.created_at} />],
          ['Event time', <Time key="e" at={release.event_time} />],
          ['Stable', arm(release.stable)],
          ['Canary', release.canary && arm(release.canary)],
          [
            'Shadows',
            release.shadows.length > 0
              ? release.shadows.map((each) => <span key={each.version}>{arm(each)} </span>)
              : undefined,
          ],
          ['Lineage', <NodeLink key="l" node={release.node} />],
        ]}
      />
      {release.evidence && (
        <>
          <div className="row" style={{ margin: '14px 0 8px' }}>
            <h3 className="small-head">Decided by the policy</h3>
            <State
              of={release.evidence.verdict}
              tone={release.evidence.verdict === 'harm' ? 'bad' : release.evidence.verdict === 'safe' ? 'ok' : 'quiet'}
            />
          </div>
          <Guardrails report={release.evidence} />
        </>
      )}
    </Card>
  );
}

export function History({ deployment, newest }: { deployment: string; newest: Release[] }) {
  const [address, change] = useAddress();
  const chosen = newest.find((release) => String(release.number) === address.release);
  return (
    <div className="stack">
      <h2 className="section-head">Releases</h2>
      <PagedList<Release>
        label="Releases, newest first"
        path={`/deployments/${part(deployment)}/releases`}
        columns={COLUMNS}
        keyOf={(row) => String(row.number)}
        height={380}
        onOpen={(row) => change({ release: String(row.number) === address.release ? undefined : String(row.number) })}
        chosen={(row) => String(row.number) === address.release}
      />
      {chosen && <One release={chosen} close={() => change({ release: undefined })} />}
    </div>
  );
}
