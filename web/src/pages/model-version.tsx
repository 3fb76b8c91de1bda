// One version: what its gates measured, who approved what exactly, its signature, its card, where it comes from.
import { Tabs } from '@mantine/core';
import { part, post } from '@/api/client';
import { useGet } from '@/api/queries';
import { Approvals, Digests, Gates, GatesWord } from '@/models/parts';
import { Signatures } from '@/models/signatures';
import type { Version } from '@/models/types';
import { useAddress, usePathNames } from '@/parts/address';
import { Card, Empty, Facts, NodeLink, PageFrame, Shown, Stat, State, Time, To } from '@/parts/basics';
import { Decision } from '@/parts/dialogs';
import { Document } from '@/parts/document';
import { count } from '@/parts/format';
import { Kin } from '@/parts/kin';

const BASE = '/api/millrace/v1';

function Actions({ version, path }: { version: Version; path: `/models/${string}/versions/${string}` }) {
  return (
    <>
      {version.version > 1 && (
        <To to={`/models/${part(version.model)}/diff?from=${version.version - 1}&to=${version.version}`}>
          Compare with version {version.version - 1}
        </To>
      )}
      <Decision
        size="sm"
        text={version.gates.length ? 'Evaluate the gates again' : 'Evaluate the gates'}
        title="Evaluate the gates"
        needs="write"
        reason="none"
        confirm="Evaluate"
        work={() => post(`${path}/gates`, {})}
      >
        <p>
          The gates of millrace.yaml are measured anew on the version's held-out rows. Approvals hold only as long as
          the evidence stays what it was.
        </p>
      </Decision>
      <Decision
        size="sm"
        text="Approve"
        variant="filled"
        title={`Approve ${version.model} version ${version.version}`}
        needs="approve"
        work={(why) => post(`${path}/approvals`, { why })}
      >
        <p>
          <GatesWord version={version} /> You approve exactly these digests; another model, other data or another report
          need another approval.
        </p>
        <Digests of={version.digests} />
      </Decision>
    </>
  );
}

function Overview({ version, path }: { version: Version; path: string }) {
  const downloads: [string, string, string][] = [
    ['How it was made: provenance (in-toto, SLSA v1)', 'provenance', 'provenance.json'],
    ['What it is made of: bill of materials (CycloneDX 1.6)', 'bom', 'bom.cdx.json'],
    ['What a signature covers: its files with digests', 'statement', 'statement.json'],
    ['The model card as Markdown', 'card', 'card.md'],
  ];
  return (
    <div className="stack">
      <Card title="Gates">
        <Gates version={version} />
      </Card>
      <div className="grid two">
        <div className="stack">
          <Card title="Approvals">
            <Approvals of={version.approvals} none="Nobody has approved it yet." />
          </Card>
          <Signatures model={version.model} version={String(version.version)} />
          <Card title="The version">
            <Facts
              of={[
                ['Made', <Time key="made" at={version.created_at} />],
                ['By', version.author],
                ['Stage', version.stage && <NodeLink key="stage" node={version.stage} />],
                [
                  'Run',
                  version.run_id && (
                    <To key="run" to={`/runs/${part(version.run_id)}`}>
                      {version.run_id}
                    </To>
                  ),
                ],
                ['Stage of the registry', version.mlflow_stage !== 'None' ? version.mlflow_stage : ''],
                ['Source', version.source && <code key="source">{version.source}</code>],
                ['Digest of its files', version.content && <code key="content">{version.content}</code>],
              ]}
            />
          </Card>
        </div>
        <div className="stack">
          <Card title="What it stands on">
            <Digests of={version.digests} />
          </Card>
          <Card title="Downloads">
            <ul className="bare">
              {downloads.map(([text, name, file]) => (
                <li key={name}>
                  <a href={`${BASE}${path}/${name}`} download={`${version.model}-${version.version}-${file}`}>
                    {text}
                  </a>
                </li>
              ))}
            </ul>
          </Card>
          <Kin node={version.node} made="What uses it" />
        </div>
      </div>
    </div>
  );
}

function ModelCard({ path }: { path: `/models/${string}/versions/${string}` }) {
  const asked = useGet<string>(`${path}/card`);
  return (
    <Card title="Model card">
      <Shown of={asked}>
        {(text) => (text ? <Document text={text} shift={2} /> : <Empty title="The card is empty" />)}
      </Shown>
    </Card>
  );
}

export function ModelVersion() {
  const { model, version: number } = usePathNames();
  const [address, change] = useAddress();
  const path = `/models/${part(model)}/versions/${part(number)}` as const;
  const asked = useGet<Version>(path);
  const version = asked.data;
  return (
    <PageFrame
      title={`${model} version ${number}`}
      crumbs={[
        { text: 'Models', to: '/models' },
        { text: model, to: `/models/${part(model)}` },
      ]}
      subtitle={
        version && (
          <span className="row">
            <State of={version.state} /> made <Time at={version.created_at} relative /> by {version.author}
          </span>
        )
      }
      actions={version && <Actions version={version} path={path} />}
    >
      <Shown of={asked}>
        {(facts) => (
          <>
            <div className="grid small" style={{ marginBottom: 14 }}>
              <Stat label="gates" value={<GatesWord version={facts} />} />
              <Stat
                label="approvals that hold"
                value={count(facts.approvals.filter((each) => each.holds).length)}
                note={facts.approvals.some((each) => !each.holds) ? 'others are void: the evidence has changed' : ''}
              />
            </div>
            <Tabs
              value={address.tab ?? 'overview'}
              onChange={(tab) => change({ tab: tab === 'overview' ? undefined : (tab ?? undefined) })}
              keepMounted={false}
            >
              <Tabs.List mb="md">
                <Tabs.Tab value="overview">Evidence</Tabs.Tab>
                <Tabs.Tab value="card">Model card</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="overview">
                <Overview version={facts} path={path} />
              </Tabs.Panel>
              <Tabs.Panel value="card">
                <ModelCard path={path} />
              </Tabs.Panel>
            </Tabs>
          </>
        )}
      </Shown>
    </PageFrame>
  );
}
