// Two versions beside each other: what differs first, numbers with their intervals.
import { Select, Switch } from '@mantine/core';
import { useMemo } from 'react';
import { part } from '@/api/client';
import { useGet } from '@/api/queries';
import type { Entry, Side } from '@/models/diff';
import { type Group, GroupChart, GroupTable } from '@/models/groups';
import { type Measure, Measured } from '@/models/measured';
import type { Version } from '@/models/types';
import { useAddress, usePathNames } from '@/parts/address';
import { Card, Empty, PageFrame, Shown, State, To } from '@/parts/basics';
import { count, words } from '@/parts/format';

interface GateSide {
  ok: boolean;
  value: Side;
  reason: string;
}
interface End {
  version: number;
  node: string;
  state: string;
  created_at: string;
  author: string;
}
interface Diff {
  from: End;
  to: End;
  gates: { name: string; from: GateSide | null; to: GateSide | null; differs: boolean }[];
  metrics: Measure[];
  groups: Group[];
  params: Entry[];
  data: Entry[];
  code: Entry[];
  environment: Entry[];
  signature: Entry[];
}

const LISTS: { key: 'params' | 'data' | 'code' | 'environment' | 'signature'; title: string }[] = [
  { key: 'params', title: 'Parameters' },
  { key: 'data', title: 'Data' },
  { key: 'code', title: 'Code' },
  { key: 'environment', title: 'Environment' },
  { key: 'signature', title: 'Inputs and outputs' },
];

const cell = (value: string | null) => value ?? <span className="dim">–</span>;

function Entries({
  title,
  entries,
  names,
  all,
}: {
  title: string;
  entries: Entry[];
  names: [string, string];
  all: boolean;
}) {
  const shown = all ? entries : entries.filter((entry) => entry.differs);
  if (shown.length === 0) return <p className="dim">{entries.length ? 'The same in both.' : 'Nothing is known.'}</p>;
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label={`${title}: what differs`}>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">what</th>
            <th scope="col">{names[0]}</th>
            <th scope="col">{names[1]}</th>
          </tr>
        </thead>
        <tbody>
          {shown.slice(0, 300).map((entry, index) => (
            <tr key={`${entry.name} ${index}`}>
              <th scope="row" style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }}>
                {entry.name}
              </th>
              <td className={entry.differs ? 'differs' : undefined} style={{ overflowWrap: 'anywhere' }}>
                {cell(entry.from)}
              </td>
              <td className={entry.differs ? 'differs' : undefined} style={{ overflowWrap: 'anywhere' }}>
                {cell(entry.to)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length > 300 && <p className="chart-note">The first 300 of {count(shown.length)}.</p>}
    </div>
  );
}

const gateWord = (side: GateSide | null) =>
  side === null ? <span className="dim">not evaluated</span> : <State of={side.ok ? 'passed' : 'failed'} />;

function GateRows({ gates, names }: { gates: Diff['gates']; names: [string, string] }) {
  return (
    <table className="plain">
      <thead>
        <tr>
          <th scope="col">gate</th>
          <th scope="col">{names[0]}</th>
          <th scope="col">{names[1]}</th>
        </tr>
      </thead>
      <tbody>
        {gates.map((gate) => (
          <tr key={gate.name}>
            <th scope="row">{words(gate.name)}</th>
            {[gate.from, gate.to].map((side, index) => (
              <td key={index} style={{ width: '42%' }}>
                {gateWord(side)}
                {side?.reason && <div className="dim">{side.reason}</div>}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const differing = (entries: Entry[]) => entries.filter((entry) => entry.differs).length;

function Shape({ diff, names, all }: { diff: Diff; names: [string, string]; all: boolean }) {
  const metrics = diff.metrics.filter((metric) => all || metric.differs);
  const gates = diff.gates.filter((gate) => all || gate.differs);
  const lists = LISTS.filter(({ key }) => diff[key].length > 0).sort(
    (a, b) => Number(differing(diff[b.key]) > 0) - Number(differing(diff[a.key]) > 0),
  );
  const tables = useMemo(() => {
    const out = new Map<string, Group[]>();
    for (const group of diff.groups) {
      const key = `${group.by}\n${group.metric}`;
      out.set(key, [...(out.get(key) ?? []), group]);
    }
    return [...out.entries()].map(([key, groups]) => ({ by: key.split('\n')[0], metric: key.split('\n')[1], groups }));
  }, [diff.groups]);
  return (
    <div className="stack">
      {metrics.length > 0 && (
        <Card title="Measured">
          <Measured metrics={metrics} names={names} />
        </Card>
      )}
      {diff.gates.length > 0 && (
        <Card title={gates.length > 0 ? 'Gates' : `All ${count(diff.gates.length)} gates say the same`}>
          {gates.length > 0 && <GateRows gates={gates} names={names} />}
        </Card>
      )}
      {tables.map((table) => (
        <div className="grid two" key={`${table.by} ${table.metric}`}>
          <GroupChart by={table.by} metric={table.metric} groups={table.groups} names={names} />
          <Card title={`The same as numbers, by ${table.by}`}>
            <div
              className="scroll-x"
              style={{ maxHeight: 520, overflowY: 'auto' }}
              tabIndex={0}
              role="region"
              aria-label={`${words(table.metric)} by ${table.by} as numbers`}
            >
              <GroupTable groups={table.groups} names={names} />
            </div>
          </Card>
        </div>
      ))}
      <div className="grid two">
        {lists.map(({ key, title }) => (
          <Card key={key} title={`${title}: ${count(differing(diff[key]))} differ`}>
            <Entries title={title} entries={diff[key]} names={names} all={all} />
          </Card>
        ))}
      </div>
    </div>
  );
}

export function ModelDiff() {
  const { model } = usePathNames();
  const [address, change_] = useAddress();
  const versions = useGet<{ items: Version[] }>(`/models/${part(model)}/versions`, { limit: 500 });
  const { from, to } = address;
  const all = address.all === '1';
  const asked = useGet<Diff>(`/models/${part(model)}/diff`, { from, to }, { enabled: Boolean(from && to), keep: true });
  const names = useMemo<[string, string]>(() => [`version ${from}`, `version ${to}`], [from, to]);
  const options = (versions.data?.items ?? []).map((each) => ({
    value: String(each.version),
    label: `version ${each.version}, ${words(each.state)}`,
  }));
  return (
    <PageFrame
      title={from && to ? `${model}: version ${from} against ${to}` : `Two versions of ${model}`}
      crumbs={[
        { text: 'Models', to: '/models' },
        { text: model, to: `/models/${part(model)}` },
      ]}
      subtitle={
        from && to ? (
          <>
            <To to={`/models/${part(model)}/${from}`}>version {from}</To>, then{' '}
            <To to={`/models/${part(model)}/${to}`}>version {to}</To>; what differs stands first
          </>
        ) : undefined
      }
    >
      <div className="toolbar">
        <Select
          label="From"
          data={options}
          value={from ?? null}
          onChange={(value) => change_({ from: value ?? undefined })}
          searchable
          w={230}
        />
        <Select
          label="To"
          data={options}
          value={to ?? null}
          onChange={(value) => change_({ to: value ?? undefined })}
          searchable
          w={230}
        />
        <Switch
          label="only what differs"
          checked={!all}
          onChange={(event) => change_({ all: event.currentTarget.checked ? undefined : '1' })}
          mt={32}
        />
      </div>
      {from && to ? (
        <Shown of={asked}>{(diff) => <Shape diff={diff} names={names} all={all} />}</Shown>
      ) : (
        <Empty title="Choose two versions" />
      )}
    </PageFrame>
  );
}
