// One run: what it was, its metrics over steps, its files, what it came from and what was made of it.
import { MultiSelect, SegmentedControl, Tabs, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import { part } from '@/api/client';
import { useGet, usePages } from '@/api/queries';
import { useAddress, usePathNames } from '@/parts/address';
import { Card, Empty, Facts, NodeLink, PageFrame, Shown, Stat, State, Time, To } from '@/parts/basics';
import { count, number, seconds } from '@/parts/format';
import { Kin } from '@/parts/kin';
import { List } from '@/parts/table';
import { Artifacts } from '@/runs/artifacts';
import { MetricChart } from '@/runs/chart';
import { keyOf, kindOf, listOf, took } from '@/runs/columns';
import type { Row } from '@/runs/scatter';

interface RunFacts {
  run_id: string;
  name: string;
  status: string;
  start_time: string | null;
  end_time: string | null;
  user: string;
  experiment_id: string;
  experiment?: string;
  lifecycle_stage?: string;
  artifact_uri?: string;
  node: string;
  counts?: { metrics: number; params: number; tags: number };
  metrics?: { key: string; value: number | null; step?: number }[];
  inputs?: { name: string; digest: string; node?: string; source?: string; context?: string }[];
  model_versions?: { model: string; version: number; node: string; state?: string }[];
}

/** Parameters, metrics (last) and tags of one run, paged: the comparison of a single run. */
function Keys({ run }: { run: string }) {
  const [text, setText] = useState('');
  const [wanted] = useDebouncedValue(text.trim().toLowerCase(), 120);
  const [kind, setKind] = useState('');
  const asked = usePages<Row>('/runs/compare', { ids: run, differ: false, limit: 500 });
  const rows = useMemo(() => {
    const all =
      asked.data?.pages.flatMap((page) => page.items ?? (page as unknown as { rows: Row[] }).rows ?? []) ?? [];
    return all.filter(
      (row) => (!kind || kindOf(row.column) === kind) && (!wanted || keyOf(row.column).toLowerCase().includes(wanted)),
    );
  }, [asked.data, kind, wanted]);
  return (
    <Card title="Parameters, metrics and tags">
      <div className="toolbar">
        <TextInput
          className="grow"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          placeholder="part of a name"
          aria-label="Search names"
        />
        <SegmentedControl
          value={kind}
          onChange={setKind}
          aria-label="Kind"
          data={[
            { label: 'all', value: '' },
            { label: 'params', value: 'param' },
            { label: 'metrics', value: 'metric' },
            { label: 'tags', value: 'tag' },
          ]}
        />
      </div>
      <List<Row>
        label="Parameters, metrics and tags"
        rows={rows}
        keyOf={(row) => row.column}
        total={wanted || kind ? undefined : asked.data?.pages[0]?.total}
        loading={asked.isFetching && (asked.isPending || asked.isFetchingNextPage)}
        error={asked.error}
        more={asked.hasNextPage ? () => !asked.isFetchingNextPage && asked.fetchNextPage() : undefined}
        rowHeight={30}
        height={520}
        empty={<Empty title="Nothing of this name" />}
        columns={[
          { key: 'kind', title: 'kind', width: 84, cell: (row) => <span className="dim">{kindOf(row.column)}</span> },
          {
            key: 'key',
            title: 'name',
            width: 240,
            cell: (row) => <span title={keyOf(row.column)}>{keyOf(row.column)}</span>,
          },
          {
            key: 'value',
            title: 'value',
            cell: (row) => {
              const value = row.values[0];
              return (
                <span className="number" title={String(value ?? '')}>
                  {typeof value === 'number' ? number(value, 6) : (value ?? '–')}
                </span>
              );
            },
          },
        ]}
      />
    </Card>
  );
}

function Metrics({ run }: { run: RunFacts }) {
  const [address, change] = useAddress();
  const known = useMemo(() => (run.metrics ?? []).map((metric) => metric.key), [run.metrics]);
  const chosen = address.metrics ? listOf(address.metrics) : known.slice(0, 6);
  const by = address.by === 'time' ? 'time' : 'step';
  const runs = useMemo(() => [{ id: run.run_id, name: run.name || run.run_id.slice(0, 8) }], [run]);
  if (known.length === 0)
    return <Empty title="No metrics">mlflow.log_metric("auc", 0.71, step=1) keeps a point of one.</Empty>;
  return (
    <>
      <div className="toolbar">
        <MultiSelect
          className="grow"
          aria-label="Metrics drawn"
          data={[...new Set([...known, ...chosen])]}
          value={chosen}
          onChange={(next) => change({ metrics: next.join(',') })}
          searchable
          limit={200}
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
          <MetricChart key={metric} metric={metric} runs={runs} by={by} />
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
                  {run.experiment || run.experiment_id}
                </To>,
              ],
              ['Started', <Time key="start" at={run.start_time} />],
              ['Ended', run.end_time ? <Time key="end" at={run.end_time} /> : 'still running'],
              ['By', run.user],
              ['Files are kept at', run.artifact_uri && <code key="uri">{run.artifact_uri}</code>],
              ['Deleted', run.lifecycle_stage === 'deleted' ? 'yes; it can be restored' : ''],
            ]}
          />
        </Card>
        {(run.inputs?.length ?? 0) > 0 && (
          <Card title="Data it was given">
            <ul className="bare">
              {run.inputs?.map((input) => (
                <li key={`${input.name}:${input.digest}`} className="row">
                  {input.node ? <NodeLink node={input.node}>{input.name}</NodeLink> : <strong>{input.name}</strong>}
                  <code className="dim">{input.digest}</code>
                  {input.context && <span className="dim">{input.context}</span>}
                </li>
              ))}
            </ul>
          </Card>
        )}
        {(run.model_versions?.length ?? 0) > 0 && (
          <Card title="Model versions made of it">
            <ul className="bare">
              {run.model_versions?.map((version) => (
                <li key={version.node} className="row">
                  <NodeLink node={version.node}>
                    {version.model} version {version.version}
                  </NodeLink>
                  {version.state && <State of={version.state} />}
                </li>
              ))}
            </ul>
          </Card>
        )}
        <Kin node={run.node} />
      </div>
      <Keys run={run.run_id} />
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
              {(facts.metrics ?? []).slice(0, 4).map((metric) => (
                <Stat
                  key={metric.key}
                  label={metric.key}
                  value={<span title={String(metric.value)}>{number(metric.value)}</span>}
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
                <Tabs.Tab value="metrics">Metrics{facts.counts ? ` (${count(facts.counts.metrics)})` : ''}</Tabs.Tab>
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
