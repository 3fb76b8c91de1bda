// What is wrong, and since when: alerts by what they share, and below them the alerts themselves.
import { NativeSelect } from '@mantine/core';
import type { AlertFacts } from '@/api/facts';
import { useGet, usePages } from '@/api/queries';
import { useGo } from '@/app/palette';
import { useAddress } from '@/parts/address';
import { Empty, NodeLink, PageFrame, Problem, State, Time, To } from '@/parts/basics';
import { Choose } from '@/parts/choose';
import { count } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';
import { groupTitle, plainOf, severityTone, spanOf } from './alert/words';
import './alert/alert.css';

interface Group {
  group: string;
  title: string;
  count: number;
  open: number;
  first_at: string | null;
  last_at: string | null;
  worst: string;
  ids: string[];
}

const STATES = [
  { value: 'open', label: 'Open' },
  { value: 'firing', label: 'Firing' },
  { value: 'acknowledged', label: 'Looked after' },
  { value: 'resolved', label: 'Resolved' },
  { value: 'all', label: 'All' },
];
const SEVERITIES = [
  { value: 'all', label: 'Any severity' },
  { value: 'page', label: 'Page' },
  { value: 'warn', label: 'Warning' },
];
const BY = [
  { value: 'cause', label: 'By cause' },
  { value: 'month', label: 'By month' },
  { value: 'deployment', label: 'By deployment' },
];

const COLUMNS: Column<AlertFacts>[] = [
  {
    key: 'what',
    title: 'What',
    cell: (row) => (
      <To to={`/alerts/${encodeURIComponent(row.id)}`}>
        <strong title={row.what}>{plainOf(row)}</strong>
      </To>
    ),
  },
  {
    key: 'severity',
    title: 'Severity',
    width: 110,
    cell: (row) => (
      <State of={row.severity} tone={row.state === 'resolved' ? 'quiet' : severityTone(row.severity)}>
        {row.severity === 'page' ? 'page' : 'warning'}
      </State>
    ),
  },
  { key: 'state', title: 'State', width: 140, cell: (row) => <State of={row.state} /> },
  {
    key: 'cause',
    title: 'Cause',
    width: 180,
    cell: (row) =>
      row.group ? (
        <NodeLink node={row.group}>{row.group.replace(/^dataset:/, '')}</NodeLink>
      ) : (
        <span className="dim">{row.trace ? row.trace.verdict.replace(/_/g, ' ') : 'not traced yet'}</span>
      ),
  },
  {
    key: 'deployment',
    title: 'Deployment',
    width: 130,
    cell: (row) => <To to={`/deployments/${encodeURIComponent(row.deployment)}`}>{row.deployment}</To>,
  },
  { key: 'since', title: 'Since', width: 120, cell: (row) => <Time at={row.fired_at ?? row.pending_at} relative /> },
];

function Groups({
  by,
  query,
  chosen,
  choose,
}: {
  by: string;
  query: Record<string, string | undefined>;
  chosen: string | undefined;
  choose: (group: Group | undefined) => void;
}) {
  const asked = usePages<Group>('/alerts/groups', { ...query, by, limit: 50 });
  const groups = asked.data?.pages.flatMap((page) => page.items) ?? [];
  if (asked.error) return <Problem error={asked.error} again={() => asked.refetch()} />;
  if (groups.length === 0) return null;
  return (
    <div
      className="groups"
      role="group"
      aria-label={`Alerts ${BY.find((each) => each.value === by)?.label.toLowerCase()}`}
    >
      {groups.map((group) => {
        const on = chosen === (group.group || '-');
        return (
          <button
            key={group.group}
            type="button"
            className="group-card"
            aria-pressed={on}
            onClick={() => choose(on ? undefined : group)}
          >
            <span className="row" style={{ flexWrap: 'nowrap', justifyContent: 'space-between' }}>
              <strong className="clip">{groupTitle(by, group.group, group.title)}</strong>
              {group.open > 0 ? (
                <State of="open" tone={severityTone(group.worst)}>
                  {count(group.open)} open
                </State>
              ) : (
                <State of="resolved" />
              )}
            </span>
            <span className="dim">
              {count(group.count)} {group.count === 1 ? 'alert' : 'alerts'}
              {group.first_at && group.last_at && ` · ${spanOf(group.first_at, group.last_at)}`}
            </span>
          </button>
        );
      })}
      {asked.hasNextPage && (
        <button type="button" className="group-card dim" onClick={() => asked.fetchNextPage()}>
          more groups …
        </button>
      )}
    </div>
  );
}

/** The days of a month's group, for the list below. */
function monthOf(group: string): { from?: string; to?: string } {
  if (!/^\d{4}-\d{2}$/.test(group)) return {};
  const from = new Date(`${group}-01T00:00:00Z`);
  const to = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 1));
  return { from: from.toISOString(), to: to.toISOString() };
}

export function Alerts() {
  const [address, change] = useAddress();
  const go = useGo();
  const by = address.by ?? 'cause';
  // What is open comes first, as long as there is any.
  const open = useGet<{ total?: number }>('/alerts', { state: 'open', deployment: address.deployment, limit: 1 });
  const first = address.subject ? 'all' : open.data?.total === 0 ? 'all' : 'open';
  const state = address.state ?? first;
  const severity = address.severity ?? 'all';
  const filter = {
    state: state === 'all' ? undefined : state,
    severity: severity === 'all' ? undefined : severity,
    deployment: address.deployment,
    subject: address.subject,
  };
  const chosen = address.in;
  const query = {
    ...filter,
    ...(chosen && by === 'cause' ? { cause: chosen === '-' ? 'none' : chosen } : {}),
    ...(chosen && by === 'deployment' ? { deployment: chosen } : {}),
    ...(chosen && by === 'month' ? monthOf(chosen) : {}),
  };
  const filtered = address.state !== undefined || Object.values(filter).some(Boolean) || chosen !== undefined;
  return (
    <PageFrame title="Alerts" subtitle="What is wrong, since when, and what caused it">
      <div className="stack">
        <div className="row filters">
          <Choose
            label="State"
            value={state}
            options={STATES}
            onChange={(value) => change({ state: value, in: undefined })}
          />
          <NativeSelect
            size="xs"
            aria-label="Severity"
            data={SEVERITIES}
            value={severity}
            onChange={(event) =>
              change({ severity: event.currentTarget.value === 'all' ? undefined : event.currentTarget.value })
            }
          />
          <NativeSelect
            size="xs"
            aria-label="Group"
            data={BY}
            value={by}
            onChange={(event) =>
              change({
                by: event.currentTarget.value === 'cause' ? undefined : event.currentTarget.value,
                in: undefined,
              })
            }
          />
          {(['deployment', 'subject'] as const).map(
            (name) =>
              address[name] && (
                <button key={name} type="button" className="chip" onClick={() => change({ [name]: undefined })}>
                  {name} {address[name]} <span aria-hidden="true">×</span>
                  <span className="unseen">, take this filter away</span>
                </button>
              ),
          )}
        </div>
        <Groups
          by={by}
          query={filter}
          chosen={chosen}
          choose={(group) => change({ in: group ? group.group || '-' : undefined })}
        />
        <PagedList<AlertFacts>
          label="Alerts, newest first"
          path="/alerts"
          query={{ ...query, limit: 100 }}
          columns={COLUMNS}
          keyOf={(row) => row.id}
          rowHeight={42}
          onOpen={(row) => go(`/alerts/${encodeURIComponent(row.id)}`)}
          empty={
            filtered ? (
              <Empty title="No alert is like this">Take a filter away to see others.</Empty>
            ) : (
              <Empty title="Nothing has ever been wrong" command="millrace monitor look DEPLOYMENT">
                Rules stand under monitors: in the project file; they are judged when a window ends. See what is
                watched:
              </Empty>
            )
          }
        />
      </div>
    </PageFrame>
  );
}
