// The profile of a version: each column with its distribution, what is missing and its range.
import { SegmentedControl, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { type Page, part } from '@/api/client';
import { usePages } from '@/api/queries';
import { MiniBins } from '@/charts/bins';
import { useAddress } from '@/parts/address';
import { Card, Empty } from '@/parts/basics';
import { count, number, percent } from '@/parts/format';
import { type Column, List } from '@/parts/table';
import { Distribution } from './distribution';
import type { ColumnProfile, ProfilePage } from './types';
import { barsOf, isTime, plain } from './words';

const bound = (value: number | string) =>
  typeof value === 'number' ? plain(value) : value.replace(/T00:00:00(\.0+)?Z$/, '').replace('T', ' ');

const rangeOf = (column: ColumnProfile) =>
  column.min === null || column.max === null
    ? ''
    : `${bound(column.min)} to ${bound(column.max)}${column.type === 'string' ? ' characters' : ''}`;

function Distinct({ column }: { column: ColumnProfile }) {
  if (!column.distinct) return <span className="dim">–</span>;
  const { value, exact, error } = column.distinct;
  return (
    <span title={exact ? 'exact' : `estimated, within ${percent(error)}`}>
      {!exact && '≈ '}
      {count(value)}
    </span>
  );
}

const median = ({ quantiles }: ColumnProfile) => {
  const index = quantiles?.shares.indexOf(0.5) ?? -1;
  return index < 0 ? null : (quantiles?.values[index] ?? null);
};

const middle = (column: ColumnProfile) => {
  const value = median(column);
  return value === null ? '–' : plain(value);
};

const hidden = <span className="masked">hidden</span>;

const COLUMNS: Column<ColumnProfile>[] = [
  {
    key: 'name',
    title: 'column',
    width: 190,
    cell: (row) => (
      <span title={row.description ?? row.column}>
        <strong>{row.column}</strong>
        {row.classification && <span className="dim"> {row.classification}</span>}
      </span>
    ),
  },
  { key: 'type', title: 'type', width: 96, cell: (row) => <span className="dim">{row.type}</span> },
  {
    key: 'bars',
    title: 'distribution',
    width: 150,
    cell: (row) =>
      row.masked ? (
        hidden
      ) : (
        <MiniBins counts={barsOf(row).map((bar) => bar.rows)} label={`Distribution of ${row.column}`} />
      ),
  },
  {
    key: 'nulls',
    title: 'missing',
    width: 90,
    right: true,
    cell: (row) => <span title={`${count(row.nulls)} rows`}>{row.nulls === 0 ? '0' : percent(row.null_rate, 2)}</span>,
  },
  {
    key: 'wrong',
    title: 'wrong type',
    width: 108,
    right: true,
    cell: (row) => (row.wrong_type === 0 ? <span className="dim">0</span> : count(row.wrong_type)),
  },
  { key: 'distinct', title: 'distinct', width: 100, right: true, cell: (row) => <Distinct column={row} /> },
  { key: 'mean', title: 'mean', width: 96, right: true, cell: (row) => (row.masked ? '' : number(row.mean)) },
  {
    key: 'median',
    title: 'median',
    width: 96,
    right: true,
    cell: (row) => (row.masked || isTime(row.type) ? '' : middle(row)),
  },
  {
    key: 'range',
    title: 'range',
    width: 300,
    cell: (row) => (row.masked ? hidden : <span title={rangeOf(row)}>{rangeOf(row)}</span>),
  },
  {
    key: 'about',
    title: 'about',
    cell: (row) => (
      <span className="dim" title={row.description ?? ''}>
        {row.description}
      </span>
    ),
  },
];

export function Profile({ dataset, version }: { dataset: string; version: string }) {
  const [address, change] = useAddress();
  const [text, setText] = useState('');
  const order = address.order ?? 'contract';
  const asked = usePages<ColumnProfile>(`/datasets/${part(dataset)}/versions/${part(version)}/profile`, { limit: 500 });
  const pages = asked.data?.pages as (Page<ColumnProfile> & ProfilePage)[] | undefined;
  const known = useMemo(() => pages?.flatMap((page) => page.columns) ?? [], [pages]);
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const found = known.filter((row) => !wanted || row.column.toLowerCase().includes(wanted));
    if (order === 'missing') found.sort((a, b) => (b.null_rate ?? 0) - (a.null_rate ?? 0));
    if (order === 'name') found.sort((a, b) => a.column.localeCompare(b.column));
    return found;
  }, [known, text, order]);
  const chosen = known.find((row) => row.column === address.column);
  const total = pages?.[0]?.total;
  return (
    <div className="stack">
      <Card title={total === undefined ? 'Columns' : `${count(total)} columns over ${count(pages?.[0]?.rows)} rows`}>
        <div className="toolbar">
          <TextInput
            className="grow"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            placeholder="part of a name"
            aria-label="Search columns"
          />
          <SegmentedControl
            value={order}
            onChange={(next) => change({ order: next === 'contract' ? undefined : next })}
            aria-label="Order"
            data={[
              { label: 'as given', value: 'contract' },
              { label: 'most missing', value: 'missing' },
              { label: 'by name', value: 'name' },
            ]}
          />
        </div>
        <List<ColumnProfile>
          label="Columns"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.column}
          total={text ? undefined : total}
          loading={asked.isFetching && (asked.isPending || asked.isFetchingNextPage)}
          error={asked.error}
          again={() => asked.refetch()}
          more={asked.hasNextPage ? () => !asked.isFetchingNextPage && asked.fetchNextPage() : undefined}
          rowHeight={40}
          height={560}
          onOpen={(row) => change({ column: address.column === row.column ? undefined : row.column })}
          chosen={(row) => row.column === address.column}
          empty={<Empty title={text ? 'No column of this name' : 'No column was profiled'} />}
        />
        <p className="chart-note">Open a row for its distribution.</p>
      </Card>
      {chosen && !chosen.masked && <Distribution column={chosen} />}
    </div>
  );
}
