// Two versions of a dataset: the worst column first, both distributions over the same bins.
import { Select, Switch } from '@mantine/core';
import { useCallback, useMemo } from 'react';
import { type Page, part } from '@/api/client';
import { useGet, usePages } from '@/api/queries';
import { SERIES } from '@/app/theme';
import { MiniBins } from '@/charts/bins';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { bars, type ColumnDiff, type DatasetDiff as Diff, shares, told, tone } from '@/data/diff';
import type { DatasetVersion } from '@/data/types';
import { periodOf } from '@/data/types';
import { useAddress, usePathNames } from '@/parts/address';
import { Empty, PageFrame, Shown, Stat, State, To } from '@/parts/basics';
import { count, number, percent } from '@/parts/format';
import { type Column, List } from '@/parts/table';

function Overlay({ column, names }: { column: ColumnDiff; names: [string, string] }) {
  const both = useMemo(() => bars(column), [column]);
  const points = useMemo(() => {
    if (!both) return [];
    const [from, to] = [shares(both.from), shares(both.to)];
    return both.labels.flatMap((label, index) => [
      { label, version: names[0], share: from[index] },
      { label, version: names[1], share: to[index] },
    ]);
  }, [both, names]);
  const draw = useCallback<Draw>(
    (plot) => ({
      marginLeft: 56,
      marginBottom: 64,
      x: { label: null, domain: both?.labels ?? [], tickRotate: -35, type: 'band' },
      y: { label: 'share of rows, %', grid: true, percent: true },
      color: { domain: names, range: [SERIES[0], SERIES[1]], legend: true },
      marks: [
        plot.barY(
          points.filter((point) => point.version === names[0]),
          { x: 'label', y: 'share', fill: 'version', fillOpacity: 0.55, tip: true },
        ),
        plot.tickY(
          points.filter((point) => point.version === names[1]),
          { x: 'label', y: 'share', stroke: 'version', strokeWidth: 3, tip: true },
        ),
        plot.ruleY([0], { stroke: 'var(--chart-grid)' }),
      ],
    }),
    [points, both, names],
  );
  if (!both) return null;
  return (
    <ChartFrame
      title={`${column.column}: both distributions`}
      summary={told(column)}
      table={{
        columns: ['bin', `${names[0]} rows`, `${names[1]} rows`],
        rows: both.labels.map((label, index) => [label, both.from[index], both.to[index]]),
      }}
      note={`Bars: ${names[0]}; thick lines: ${names[1]}. Exact counts over the same bins; PSI ${number(column.psi, 3)}, JS ${number(column.js, 3)}.`}
    >
      <Figure draw={draw} height={290} />
    </ChartFrame>
  );
}

const COLUMNS: Column<ColumnDiff>[] = [
  {
    key: 'column',
    title: 'column',
    width: 160,
    cell: (column) => (
      <span title={column.column}>
        <strong>{column.column}</strong>
      </span>
    ),
  },
  {
    key: 'change',
    title: 'what changed',
    width: 130,
    cell: (column) => <State of={column.change} tone={tone(column)} />,
  },
  {
    key: 'bars',
    title: 'both',
    width: 150,
    cell: (column) => {
      const both = bars(column);
      return both ? (
        <MiniBins counts={both.from} over={both.to} label={`Distributions of ${column.column}`} />
      ) : (
        <span className="dim">–</span>
      );
    },
  },
  { key: 'psi', title: 'PSI', width: 80, right: true, cell: (column) => number(column.psi, 3) },
  { key: 'js', title: 'JS', width: 80, right: true, cell: (column) => number(column.js, 3) },
  {
    key: 'nulls',
    title: 'missing',
    width: 150,
    right: true,
    cell: (column) => `${percent(column.nulls?.from)} → ${percent(column.nulls?.to)}`,
  },
  {
    key: 'mean',
    title: 'mean',
    width: 150,
    right: true,
    cell: (column) => `${number(column.mean?.from)} → ${number(column.mean?.to)}`,
  },
  { key: 'told', title: 'in words', cell: (column) => <span title={told(column)}>{told(column)}</span> },
];

interface BodyProps {
  pages: Diff[];
  names: [string, string];
  loading: boolean;
  more?: () => void;
}

function Body({ pages, names, loading, more }: BodyProps) {
  const [address, change] = useAddress();
  const only = address.all !== '1';
  const columns = useMemo(() => pages.flatMap((page) => page.columns), [pages]);
  const diff = pages[0];
  const moved = columns.filter((column) => column.change !== 'none');
  const shown = only ? moved : columns;
  const chosen =
    columns.find((column) => column.column === address.column) ?? moved.find((column) => bars(column)) ?? columns[0];
  return (
    <div className="stack">
      <div className="grid small">
        <Stat
          label="rows"
          value={count(diff.rows.to)}
          note={`${count(diff.rows.from)} before${diff.rows.from > 0 ? `, ${percent(diff.rows.to / diff.rows.from - 1)}` : ''}`}
        />
        <Stat label="columns that changed" value={count(moved.length)} note={`of ${count(diff.total)}`} />
        {moved[0] && <Stat label="most changed" value={moved[0].column} note={told(moved[0])} />}
      </div>
      <List<ColumnDiff>
        label="Columns, worst first"
        columns={COLUMNS}
        rows={shown}
        keyOf={(column) => column.column}
        total={only ? undefined : diff.total}
        loading={loading}
        more={more}
        rowHeight={40}
        height={480}
        onOpen={(column) => change({ column: column.column })}
        chosen={(column) => column === chosen}
        empty={<Empty title="Nothing has changed">All columns are as before.</Empty>}
      />
      <Switch
        label="also columns that are as before"
        checked={!only}
        onChange={(event) => change({ all: event.currentTarget.checked ? '1' : undefined })}
      />
      {chosen && <Overlay column={chosen} names={names} />}
    </div>
  );
}

export function DatasetDiff() {
  const { dataset } = usePathNames();
  const [address, change] = useAddress();
  const { from, to } = address;
  const versions = useGet<{ items: DatasetVersion[] }>(`/datasets/${part(dataset)}/versions`, { limit: 500 });
  const asked = usePages<ColumnDiff>(`/datasets/${part(dataset)}/diff`, { from, to, limit: 500 }, Boolean(from && to));
  const pages = asked.data?.pages as (Page<ColumnDiff> & Diff)[] | undefined;
  const names = useMemo<[string, string]>(() => [`version ${from}`, `version ${to}`], [from, to]);
  const options = (versions.data?.items ?? [])
    .map((each) => ({ value: String(each.version), label: `version ${each.version} ${periodOf(each)}`.trim() }))
    .sort((a, b) => Number(b.value) - Number(a.value));
  return (
    <PageFrame
      title={from && to ? `${dataset}: version ${from} against ${to}` : `Two versions of ${dataset}`}
      crumbs={[
        { text: 'Data', to: '/data' },
        { text: dataset, to: `/data/${part(dataset)}` },
      ]}
      subtitle={
        from && to ? (
          <>
            <To to={`/data/${part(dataset)}/${from}`}>version {from}</To>, then{' '}
            <To to={`/data/${part(dataset)}/${to}`}>version {to}</To>; the worst column stands first
          </>
        ) : undefined
      }
    >
      <div className="toolbar">
        <Select
          label="From"
          data={options}
          value={from ?? null}
          onChange={(value) => change({ from: value ?? undefined, column: undefined })}
          searchable
          w={320}
        />
        <Select
          label="To"
          data={options}
          value={to ?? null}
          onChange={(value) => change({ to: value ?? undefined, column: undefined })}
          searchable
          w={320}
        />
      </div>
      {from && to ? (
        <Shown of={{ ...asked, data: pages }}>
          {(all) => (
            <Body
              pages={all}
              names={names}
              loading={asked.isFetchingNextPage}
              more={asked.hasNextPage ? () => !asked.isFetchingNextPage && asked.fetchNextPage() : undefined}
            />
          )}
        </Shown>
      ) : (
        <Empty title="Choose two versions" />
      )}
    </PageFrame>
  );
}
