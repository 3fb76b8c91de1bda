import { SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { part } from '@/api/client';
import { useAddress } from '@/parts/address';
import { Card, Empty } from '@/parts/basics';
import { count, number } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';
import type { Logged, RunFacts } from './facts';

const KINDS = [
  { value: 'param', label: 'parameters', count: 'params' },
  { value: 'metric', label: 'metrics', count: 'metrics' },
  { value: 'tag', label: 'tags', count: 'tags' },
] as const;

const metricCell = (value: number | null | undefined, nan?: boolean) => (
  <span title={String(value ?? '')}>{nan ? 'NaN' : number(value, 5)}</span>
);

/** All that the run logged, by key; the server searches and pages. */
export function Values({ run }: { run: RunFacts }) {
  const [address, change] = useAddress();
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 150);
  const kind =
    KINDS.find((each) => each.value === address.kind) ?? KINDS.find((each) => run.counts[each.count] > 0) ?? KINDS[0];
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
          onChange={(next) => change({ kind: next })}
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
