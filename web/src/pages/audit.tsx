// Who did what: a search over the audit chain, each line with all that it holds, and whether the chain is intact.
import { Button, Menu, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { type ApiError, get } from '@/api/client';
import { useGet } from '@/api/queries';
import { save } from '@/charts/download';
import { useAddress } from '@/parts/address';
import { Card, Empty, NodeLink, PageFrame, Problem, State, Time } from '@/parts/basics';
import { count, words } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';
import { type AuditLine, allLines, linesAsCsv, linesAsJson, MOST_LINES } from './audit/export';
import { LineCard } from './audit/line';
import './audit/audit.css';

interface Kinds {
  kinds: { kind: string; lines: number }[];
  subjects: { subject: string; lines: number }[];
}
interface Verdict {
  intact: boolean;
  lines: number;
  first_bad: number;
  reason: string;
  head: string;
}

const COLUMNS: Column<AuditLine>[] = [
  { key: 'sequence', title: 'Line', width: 80, right: true, cell: (row) => row.sequence },
  { key: 'at', title: 'Recorded', width: 215, cell: (row) => <Time at={row.recorded_at} /> },
  { key: 'kind', title: 'What', width: 200, cell: (row) => <strong>{words(row.kind)}</strong> },
  {
    key: 'node',
    title: 'On',
    width: 220,
    cell: (row) => (row.node ? <NodeLink node={row.node} /> : <span className="dim">–</span>),
  },
  { key: 'subject', title: 'By', width: 150, cell: (row) => row.subject },
  { key: 'why', title: 'Why', cell: (row) => <span title={row.why}>{row.why}</span> },
];

function Verify() {
  const asked = useMutation<Verdict, ApiError>({ mutationFn: () => get<Verdict>('/audit/verify') });
  const verdict = asked.data;
  return (
    <>
      {verdict && (
        <State of={verdict.intact ? 'intact' : 'broken'} tone={verdict.intact ? 'ok' : 'bad'}>
          {verdict.intact
            ? `intact: ${count(verdict.lines)} lines recomputed`
            : `broken at line ${verdict.first_bad}: ${verdict.reason}`}
        </State>
      )}
      {asked.error && <span role="alert">{asked.error.message}</span>}
      <Button size="compact-sm" variant="default" loading={asked.isPending} onClick={() => asked.mutate()}>
        Verify the chain
      </Button>
    </>
  );
}

function Export({ query }: { query: Record<string, string | undefined> }) {
  const [seen, setSeen] = useState(0);
  const stop = useRef<AbortController>(null);
  const work = useMutation<void, ApiError, 'csv' | 'json'>({
    mutationFn: async (form) => {
      stop.current = new AbortController();
      setSeen(0);
      const lines = await allLines(query, setSeen, stop.current.signal);
      if (stop.current.signal.aborted) return;
      if (form === 'csv') save('audit.csv', linesAsCsv(lines), 'text/csv');
      else save('audit.json', linesAsJson(lines), 'application/json');
    },
  });
  return (
    <>
      {work.isPending && (
        <Button size="compact-sm" variant="subtle" onClick={() => stop.current?.abort()}>
          {count(seen)} lines, stop
        </Button>
      )}
      {work.error && <span role="alert">{work.error.message}</span>}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="compact-sm" variant="default" loading={work.isPending}>
            Export
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>The lines of this search, at most {count(MOST_LINES)}</Menu.Label>
          <Menu.Item onClick={() => work.mutate('csv')}>CSV</Menu.Item>
          <Menu.Item onClick={() => work.mutate('json')}>JSON</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}

/** A text field whose value goes to the address once the typing ends. */
function Field({ name, label, type }: { name: string; label: string; type?: string }) {
  const [address, change] = useAddress();
  const [text, setText] = useState(address[name] ?? '');
  const told = useDebouncedCallback((value: string) => change({ [name]: value || undefined, line: undefined }), 250);
  return (
    <TextInput
      size="xs"
      type={type}
      label={label}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        told(event.currentTarget.value);
      }}
    />
  );
}

const dayStart = (day: string | undefined) => (day ? `${day}T00:00:00Z` : undefined);
const dayAfter = (day: string | undefined) =>
  day ? new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString() : undefined;

export function Audit() {
  const [address, change] = useAddress();
  const kinds = useGet<Kinds>('/audit/kinds');
  const [chosen, setChosen] = useState<AuditLine>();
  const query = {
    q: address.q,
    kind: address.kind,
    subject: address.subject,
    node: address.node,
    from: dayStart(address.from),
    to: dayAfter(address.to),
  };
  const asked = useGet<{ items: AuditLine[] }>(
    '/audit/search',
    { ...query, limit: 200 },
    { enabled: address.line !== undefined && String(chosen?.sequence) !== address.line },
  );
  const line =
    String(chosen?.sequence) === address.line
      ? chosen
      : asked.data?.items.find((each) => String(each.sequence) === address.line);
  const filtered = Object.values(query).some(Boolean);
  return (
    <PageFrame
      title="Audit"
      subtitle="Every change, who made it and why; each line seals the one before it"
      actions={
        <>
          <Verify />
          <Export query={query} />
        </>
      }
    >
      <div className="stack">
        <Card>
          <div className="audit-filters" role="search" aria-label="Search the audit chain">
            <Field name="q" label="Text" />
            <NativeSelect
              size="xs"
              label="What"
              data={[
                { value: '', label: 'anything' },
                ...(kinds.data?.kinds.map((each) => ({
                  value: each.kind,
                  label: `${words(each.kind)} (${count(each.lines)})`,
                })) ?? []),
              ]}
              value={address.kind ?? ''}
              onChange={(event) => change({ kind: event.currentTarget.value || undefined, line: undefined })}
            />
            <NativeSelect
              size="xs"
              label="By"
              data={[
                { value: '', label: 'anybody' },
                ...(kinds.data?.subjects.map((each) => ({
                  value: each.subject,
                  label: `${each.subject} (${count(each.lines)})`,
                })) ?? []),
              ]}
              value={address.subject ?? ''}
              onChange={(event) => change({ subject: event.currentTarget.value || undefined, line: undefined })}
            />
            <Field name="node" label="On (a node)" />
            <Field name="from" label="From day (UTC)" type="date" />
            <Field name="to" label="To day (UTC)" type="date" />
          </div>
        </Card>
        {kinds.error && <Problem error={kinds.error} />}
        <div className="audit-side" data-open={line !== undefined}>
          <PagedList<AuditLine>
            label="Lines of the audit chain, newest first"
            path="/audit/search"
            query={{ ...query, limit: 200 }}
            columns={line ? COLUMNS.slice(0, 4) : COLUMNS}
            keyOf={(row) => String(row.sequence)}
            rowHeight={34}
            height={640}
            chosen={(row) => String(row.sequence) === address.line}
            onOpen={(row) => {
              const open = String(row.sequence) !== address.line;
              setChosen(open ? row : undefined);
              change({ line: open ? String(row.sequence) : undefined });
            }}
            empty={
              filtered ? (
                <Empty title="No line is like this">Take a filter away to see others.</Empty>
              ) : (
                <Empty title="Nothing has happened yet" command="millrace audit verify" />
              )
            }
          />
          {line && (
            <LineCard
              line={line}
              close={() => {
                setChosen(undefined);
                change({ line: undefined });
              }}
            />
          )}
        </div>
      </div>
    </PageFrame>
  );
}
