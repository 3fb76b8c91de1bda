// One version of a dataset: what its contract found, what its columns look like, which rows were set aside and why.
import { Tabs } from '@mantine/core';
import { part } from '@/api/client';
import { useGet } from '@/api/queries';
import { Findings } from '@/data/findings';
import { Profile } from '@/data/profile';
import { Quarantine } from '@/data/quarantine';
import { periodOf, type VersionWithFindings } from '@/data/types';
import { useAddress, usePathNames } from '@/parts/address';
import { Card, Facts, PageFrame, Shown, Stat, State, Time, To } from '@/parts/basics';
import { count, partOf } from '@/parts/format';
import { Kin } from '@/parts/kin';

function Identity({ version }: { version: VersionWithFindings }) {
  const tags = (version as { tags?: string[] }).tags ?? [];
  return (
    <div className="grid two">
      <Card title="The version">
        <Facts
          of={[
            ['Recorded', <Time key="at" at={version.recorded_at} />],
            ['Period', periodOf(version)],
            ['Tags', tags.join(', ')],
            ['Digest', <code key="digest">{version.digest}</code>],
            ['Contract', `${version.findings.contract.id} version ${version.findings.contract.version}`],
            ['Digest of the contract', <code key="contract">{version.contract_digest}</code>],
            ['Rows taken', version.file && <code key="file">{version.file}</code>],
            ['Rows set aside', version.quarantine_file && <code key="aside">{version.quarantine_file}</code>],
          ]}
        />
      </Card>
      <Kin node={version.node} made="What uses it" />
    </div>
  );
}

export function DatasetVersion() {
  const { dataset, version: number } = usePathNames();
  const [address, change] = useAddress();
  const asked = useGet<VersionWithFindings>(`/datasets/${part(dataset)}/versions/${part(number)}`);
  const version = asked.data;
  const before = Number(number) - 1;
  return (
    <PageFrame
      title={`${dataset} version ${number}`}
      crumbs={[
        { text: 'Data', to: '/data' },
        { text: dataset, to: `/data/${part(dataset)}` },
      ]}
      subtitle={
        version && (
          <span className="row">
            <State of={version.verdict} /> {periodOf(version)} <span className="dim">recorded</span>{' '}
            <Time at={version.recorded_at} relative />
          </span>
        )
      }
      actions={
        before >= 1 && (
          <To to={`/data/${part(dataset)}/diff?from=${before}&to=${number}`}>Compare with version {before}</To>
        )
      }
    >
      <Shown of={asked}>
        {(facts) => (
          <>
            <div className="grid small" style={{ marginBottom: 14 }}>
              <Stat label="rows" value={count(facts.rows)} />
              <Stat label="taken" value={count(facts.accepted)} />
              <Stat
                label="set aside"
                value={count(facts.quarantined)}
                note={facts.rows > 0 ? partOf(facts.quarantined, facts.rows) : ''}
              />
              {facts.findings.dropped > 0 && <Stat label="left out" value={count(facts.findings.dropped)} />}
            </div>
            <Tabs
              value={address.tab ?? 'findings'}
              onChange={(tab) => change({ tab: tab === 'findings' ? undefined : (tab ?? undefined) })}
              keepMounted={false}
            >
              <Tabs.List mb="md">
                <Tabs.Tab value="findings">Findings</Tabs.Tab>
                <Tabs.Tab value="profile">Columns</Tabs.Tab>
                <Tabs.Tab value="quarantine">Set aside ({count(facts.quarantined)})</Tabs.Tab>
                <Tabs.Tab value="identity">Identity and lineage</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="findings">
                <div className="stack">
                  <Findings report={facts.findings} />
                  <Profile dataset={dataset} version={number} />
                </div>
              </Tabs.Panel>
              <Tabs.Panel value="profile">
                <Profile dataset={dataset} version={number} />
              </Tabs.Panel>
              <Tabs.Panel value="quarantine">
                <Quarantine dataset={dataset} version={number} checks={facts.findings.checks} />
              </Tabs.Panel>
              <Tabs.Panel value="identity">
                <Identity version={facts} />
              </Tabs.Panel>
            </Tabs>
          </>
        )}
      </Shown>
    </PageFrame>
  );
}
