// Canary beside stable in money, lead times of releases, and how quickly alerts came and went.
import { Card, Empty, Interval, NodeLink, State, Time, To } from '@/parts/basics';
import { seconds } from '@/parts/format';
import { type Column, List } from '@/parts/table';
import type { ImpactFacts } from './types';

type Lead = ImpactFacts['lead_times'][number];
type Reaction = ImpactFacts['reactions'][number];

export function Differences({ facts }: { facts: ImpactFacts }) {
  if (facts.differences.length === 0) return null;
  const word = { better: 'worth more', worse: 'worth less', unclear: 'not clear' };
  const tone = { better: 'ok', worse: 'bad', unclear: 'quiet' } as const;
  return (
    <Card title="Canary beside stable, per 1,000 requests">
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Month</th>
            <th scope="col">Canary</th>
            <th scope="col">Stable</th>
            <th scope="col" className="right">
              Difference ({facts.currency})
            </th>
            <th scope="col">In words</th>
          </tr>
        </thead>
        <tbody>
          {facts.differences.map((row) => (
            <tr key={`${row.month} ${row.canary} ${row.stable}`}>
              <td>{row.month}</td>
              <td>version {row.canary}</td>
              <td>version {row.stable}</td>
              <td className="right">
                <Interval of={row.per_1000} digits={4} />
              </td>
              <td>
                <State of={word[row.verdict]} tone={tone[row.verdict]} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

const LEADS: Column<Lead>[] = [
  {
    key: 'release',
    title: 'Release',
    width: 100,
    cell: (row) => <NodeLink node={row.release}>#{row.number}</NodeLink>,
  },
  {
    key: 'version',
    title: 'Version',
    cell: (row) => (
      <NodeLink node={`model:${row.model}@${row.version}`}>
        {row.model}@{row.version}
      </NodeLink>
    ),
  },
  { key: 'event', title: 'Data to release', width: 120, right: true, cell: (row) => seconds(row.event_seconds) },
  {
    key: 'recorded',
    title: 'Arrival to release',
    width: 150,
    right: true,
    cell: (row) => seconds(row.recorded_seconds),
  },
  { key: 'newest', title: 'Newest data', width: 120, cell: (row) => <Time at={row.newest_event} relative /> },
];

export function LeadTimes({ facts }: { facts: ImpactFacts }) {
  return (
    <div className="stack">
      <h2 className="section-head">From data to release</h2>
      <List<Lead>
        label="Lead times"
        columns={LEADS}
        rows={facts.lead_times}
        total={facts.lead_times.length}
        keyOf={(row) => row.release}
        height={320}
        rowHeight={34}
        empty={<Empty title="Nothing was released yet" />}
      />
      <p className="chart-note" style={{ margin: 0 }}>
        By event time (when things happened) and by arrival (when this installation learnt of them).
      </p>
    </div>
  );
}

const REACTIONS: Column<Reaction>[] = [
  {
    key: 'alert',
    title: 'Alert',
    cell: (row) => (
      <To to={`/alerts/${encodeURIComponent(row.alert)}`}>
        {row.kind} of {row.subject}
      </To>
    ),
  },
  {
    key: 'cause',
    title: 'Cause',
    width: 160,
    cell: (row) => <NodeLink node={row.cause}>{row.cause.replace(/^dataset:/, '')}</NodeLink>,
  },
  { key: 'detect', title: 'To detect', width: 110, right: true, cell: (row) => seconds(row.detect_seconds) },
  {
    key: 'restore',
    title: 'To restore',
    width: 110,
    right: true,
    cell: (row) => (row.open ? <State of="open" /> : seconds(row.restore_seconds)),
  },
];

export function Reactions({ facts }: { facts: ImpactFacts }) {
  return (
    <div className="stack">
      <h2 className="section-head">From cause to alert to end</h2>
      <List<Reaction>
        label="Reactions"
        columns={REACTIONS}
        rows={facts.reactions}
        total={facts.reactions.length}
        keyOf={(row) => row.alert}
        height={320}
        rowHeight={34}
        empty={<Empty title="No alert with a known cause yet" />}
      />
    </div>
  );
}
