// One run: what it was, its metrics over steps, its files, what it came from and what was made of it.
import { Tabs } from '@mantine/core';
import { part } from '@/api/client';
import { useGet } from '@/api/queries';
import { useAddress, usePathNames } from '@/parts/address';
import { Card, Facts, NodeLink, PageFrame, Shown, Stat, State, Time, To } from '@/parts/basics';
import { count, number, seconds } from '@/parts/format';
import { Kin } from '@/parts/kin';
import { Artifacts } from '@/runs/artifacts';
import { took } from '@/runs/columns';
import type { RunFacts } from '@/runs/facts';
import { Metrics } from '@/runs/metrics';
import { Values } from '@/runs/values';

function Overview({ run }: { run: RunFacts }) {
  return (
    <div className="grid two">
      <div className="stack">
        <Card title="The run">
          <Facts
            of={[
              ['Run', <code key="run">{run.run_id}</code>],
              [
                'Experiment',
                <To key="experiment" to={`/runs?experiment=${part(run.experiment_id)}`}>
                  {run.experiment.name}
                </To>,
              ],
              ['Started', <Time key="start" at={run.start_time} />],
              ['Ended', run.end_time ? <Time key="end" at={run.end_time} /> : 'still running'],
              ['By', run.user],
              [
                'Part of',
                run.parent && (
                  <To key="parent" to={`/runs/${part(run.parent)}`}>
                    {run.parent.slice(0, 12)}
                  </To>
                ),
              ],
              ['Files are kept at', run.artifact_uri && <code key="uri">{run.artifact_uri}</code>],
              ['Deleted', run.lifecycle_stage === 'deleted' ? 'yes; it can be restored' : ''],
            ]}
          />
        </Card>
        {run.datasets.length > 0 && (
          <Card title="Data it was given">
            <ul className="bare">
              {run.datasets.map((input) => (
                <li key={`${input.name}:${input.digest}`} className="row">
                  {input.node ? <NodeLink node={input.node}>{input.name}</NodeLink> : <strong>{input.name}</strong>}
                  <code className="dim">{input.digest}</code>
                  {input.context && <span className="dim">for {input.context}</span>}
                </li>
              ))}
            </ul>
          </Card>
        )}
        {run.versions.length > 0 && (
          <Card title="Model versions made of it">
            <ul className="bare">
              {run.versions.map((version) => (
                <li key={version.node} className="row">
                  <NodeLink node={version.node}>
                    {version.model} version {version.version}
                  </NodeLink>
                  <State of={version.state} />
                </li>
              ))}
            </ul>
          </Card>
        )}
        <Kin node={run.node} />
      </div>
      <Values run={run} />
    </div>
  );
}

export function Run() {
  const { run: id } = usePathNames();
  const [address, change] = useAddress();
  const asked = useGet<RunFacts>(`/runs/${part(id)}`);
  const tab = address.tab ?? 'overview';
  const run = asked.data;
  return (
    <PageFrame
      title={run?.name || id.slice(0, 12)}
      crumbs={[{ text: 'Runs', to: '/runs' }]}
      subtitle={
        run && (
          <span className="row">
            <State of={run.status} /> started <Time at={run.start_time} relative />
            {run.user && <> by {run.user}</>}
          </span>
        )
      }
    >
      <Shown of={asked}>
        {(facts) => (
          <>
            <div className="grid small" style={{ marginBottom: 14 }}>
              <Stat label="took" value={seconds(took(facts))} />
              {facts.metrics.items.slice(0, 4).map((metric) => (
                <Stat
                  key={metric.key}
                  label={metric.key}
                  value={<span title={String(metric.last)}>{metric.nan ? 'NaN' : number(metric.last)}</span>}
                  note={metric.step !== undefined ? `last, at step ${count(metric.step)}` : 'last'}
                />
              ))}
            </div>
            <Tabs
              value={tab}
              onChange={(next) => change({ tab: next === 'overview' ? undefined : (next ?? undefined) })}
              keepMounted={false}
            >
              <Tabs.List mb="md">
                <Tabs.Tab value="overview">Overview</Tabs.Tab>
                <Tabs.Tab value="metrics">Metrics over steps ({count(facts.counts.metrics)})</Tabs.Tab>
                <Tabs.Tab value="files">Files</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="overview">
                <Overview run={facts} />
              </Tabs.Panel>
              <Tabs.Panel value="metrics">
                <Metrics run={facts} />
              </Tabs.Panel>
              <Tabs.Panel value="files">
                <Artifacts
                  run={facts.run_id}
                  folder={address.folder ?? ''}
                  onFolder={(folder) => change({ folder: folder || undefined }, true)}
                />
              </Tabs.Panel>
            </Tabs>
          </>
        )}
      </Shown>
    </PageFrame>
  );
}
