// One run: what it was, its metrics over steps, its files, what it came from and what was made of it.
import { MultiSelect, SegmentedControl, Tabs, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import { part } from '@/api/client';
import { useGet } from '@/api/queries';
import { useAddress, usePathNames } from '@/parts/address';
import { Card, Empty, Facts, NodeLink, PageFrame, Shown, Stat, State, Time, To } from '@/parts/basics';
import { count, number, seconds } from '@/parts/format';
import { Kin } from '@/parts/kin';
import { type Column, PagedList } from '@/parts/table';
import { Artifacts } from '@/runs/artifacts';
import { MetricChart } from '@/runs/chart';
import { listOf, took } from '@/runs/columns';

interface Logged {
  key: string;
  value?: string;
  last?: number | null;
  min?: number | null;
  max?: number | null;
  step?: number;
  nan?: boolean;
}
interface RunFacts {
  run_id: string;
  name: string;
  status: string;
  start_time: string | null;
  end_time: string | null;
  user: string;
  experiment_id: string;
  experiment: { experiment_id: string; name: string };
  lifecycle_stage: string;
  artifact_uri: string;
  node: string;
  parent: string | null;
  counts: { metrics: number; params: number; tags: number; datasets: number; models: number };
  metrics: { items: Logged[]; total: number };
  datasets: {
    name: string;
    digest: string;
    source_type: string;
    source: string;
    context: string | null;
    node: string | null;
  }[];
  versions: { model: string; version: number; node: string; state: string }[];
}

const KINDS = [
  { value: 'param', label: 'parameters', count: 'params' },
  { value: 'metric', label: 'metrics', count: 'metrics' },
  { value: 'tag', label: 'tags', count: 'tags' },
] as const;

const metricCell = (value: number | null | undefined, nan?: boolean) => (
  <span title={String(value ?? '')}>{nan ? 'NaN' : number(value, 5)}</span>
);

/** All that the run logged, by key; the server searches and pages. */
function Values({ run }: { run: RunFacts }) {
  const [address, change] = useAddress();
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 150);
  const kind = KINDS.find((each) => each.value === address.kind) ?? KINDS[0];
  const key: Column<Logged> = {
    key: 'key',
    title: 'name',
    width: kind.value === 'metric' ? undefined : 220,
    cell: (row) => <span title={row.key}>{row.key}</span>,
  };
  const columns: Column<Logged>[] =
    kind.value === 'metric'
      ? [
          key,
          { key: 'last', title: 'last', width: 104, right: true, cell: (row) => metricCell(row.last, row.nan) },
          { key: 'min', title: 'min', width: 104, right: true, cell: (row) => metricCell(row.min) },
          { key: 'max', title: 'max', width: 104, right: true, cell: (row) => metricCell(row.max) },
          { key: 'step', title: 'step', width: 90, right: true, cell: (row) => count(row.step) },
        ]
      : [key, { key: 'value', title: 'value', cell: (row) => <span title={row.value}>{row.value}</span> }];
  return (
    <Card title="Parameters, metrics and tags">
      <div className="toolbar">
        <SegmentedControl
          value={kind.value}
          onChange={(next) => change({ kind: next === 'param' ? undefined : next })}
          aria-label="Kind"
          data={KINDS.map((each) => ({ value: each.value, label: `${each.label} (${count(run.counts[each.count])})` }))}
        />
        <TextInput
          className="grow"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          placeholder="part of a name"
          aria-label="Search names"
        />
      </div>
      <PagedList<Logged>
        key={kind.value}
        label={kind.label}
        path={`/runs/${part(run.run_id)}/values`}
        query={{ kind: kind.value, q, limit: 200 }}
        keyOf={(row) => row.key}
        rowHeight={30}
        height={520}
        columns={columns}
        empty={<Empty title={q ? 'Nothing of this name' : `No ${kind.label}`} />}
      />
    </Card>
  );
}

function Metrics({ run }: { run: RunFacts }) {
  const [address, change] = useAddress();
  const known = useMemo(() => run.metrics.items.map((metric) => metric.key), [run.metrics]);
  const chosen = address.metrics ? listOf(address.metrics) : known.slice(0, 6);
  const by = address.by === 'time' ? 'time' : 'step';
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 150);
  const found = useGet<{ items: Logged[] }>(
    `/runs/${part(run.run_id)}/values`,
    { kind: 'metric', q, limit: 200 },
    { keep: true },
  );
  const runs = useMemo(() => [{ id: run.run_id, name: run.name || run.run_id.slice(0, 8) }], [run]);
  if (known.length === 0)
    return <Empty title="No metrics">mlflow.log_metric("auc", 0.71, step=1) keeps a point of one.</Empty>;
  return (
    <>
      <div className="toolbar">
        <MultiSelect
          className="grow"
          aria-label="Metrics drawn"
          data={[...new Set([...(found.data?.items.map((metric) => metric.key) ?? known), ...chosen])]}
          filter={({ options }) => options}
          value={chosen}
          onChange={(next) => change({ metrics: next.join(',') })}
          searchValue={text}
          onSearchChange={setText}
          searchable
        />
        <SegmentedControl
          value={by}
          onChange={(next) => change({ by: next === 'time' ? 'time' : undefined })}
          aria-label="Horizontal axis"
          data={[
            { label: 'by step', value: 'step' },
            { label: 'by time', value: 'time' },
          ]}
        />
      </div>
      <div className="grid two">
        {chosen.map((metric) => (
          <MetricChart key={`${metric} ${by}`} metric={metric} runs={runs} by={by} />
        ))}
      </div>
    </>
  );
}

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
