// The profile of a version: each column with its distribution, what is missing and its range.
import { SegmentedControl, TextInput } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { MiniBins } from '@/charts/bins';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { useAddress } from '@/parts/address';
import { Card, Empty } from '@/parts/basics';
import { count, localTime, number, percent } from '@/parts/format';
import { type Column, List } from '@/parts/table';
import type { ColumnProfile, Report } from './types';
import { barsOf, mean, nullShare } from './words';

type Row = { name: string } & ColumnProfile;

const bound = (value: number | string | undefined) =>
  value === undefined
    ? '–'
    : typeof value === 'number'
      ? number(value)
      : value.replace(/T00:00:00(\.0+)?Z$/, '').replace('T', ' ');

const range = (column: ColumnProfile) => {
  if (column.minimum_length !== undefined)
    return `${number(column.minimum_length)} to ${number(column.maximum_length)} characters`;
  return column.minimum === undefined ? '' : `${bound(column.minimum)} to ${bound(column.maximum)}`;
};

function Distinct({ column }: { column: ColumnProfile }) {
  if (!column.distinct) return <span className="dim">–</span>;
  const { value, estimate, error } = column.distinct;
  return (
    <span title={estimate ? `estimated, within ${number(error * 100, 2)} %` : 'exact'}>
      {estimate && '≈ '}
      {count(value)}
    </span>
  );
}

const middle = (column: ColumnProfile, at: number) => {
  const index = column.quantiles?.shares.findIndex((share) => Math.abs(share - at) < 1e-9) ?? -1;
  return index < 0 ? null : (column.quantiles?.values[index] ?? null);
};

const COLUMNS: Column<Row>[] = [
  {
    key: 'name',
    title: 'column',
    width: 180,
    cell: (row) => (
      <span title={row.name}>
        <strong>{row.name}</strong>
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
        <span className="masked">hidden</span>
      ) : (
        <MiniBins counts={barsOf(row)} label={`Distribution of ${row.name}`} />
      ),
  },
  {
    key: 'nulls',
    title: 'missing',
    width: 90,
    right: true,
    cell: (row) => <span title={`${count(row.nulls)} rows`}>{row.nulls === 0 ? '0' : percent(nullShare(row), 2)}</span>,
  },
  {
    key: 'wrong',
    title: 'wrong type',
    width: 90,
    right: true,
    cell: (row) => (row.wrong_type === 0 ? <span className="dim">0</span> : count(row.wrong_type)),
  },
  { key: 'distinct', title: 'distinct', width: 100, right: true, cell: (row) => <Distinct column={row} /> },
  { key: 'mean', title: 'mean', width: 96, right: true, cell: (row) => number(mean(row)) },
  { key: 'median', title: 'median', width: 96, right: true, cell: (row) => number(middle(row, 0.5)) },
  {
    key: 'range',
    title: 'range',
    cell: (row) => (row.masked ? <span className="masked">hidden</span> : <span title={range(row)}>{range(row)}</span>),
  },
];

const isTime = (column: ColumnProfile) =>
  column.type === 'timestamp' || column.type === 'date' || column.type === 'time';

function Histogram({ name, column }: { name: string; column: ColumnProfile }) {
  const table = useMemo(() => {
    if (column.histogram) {
      const { edges, counts } = column.histogram;
      // Bins below the first and above the last edge have no other end.
      const open = counts.length === edges.length + 1;
      return {
        columns: ['from', 'to', 'rows'],
        rows: counts.map((rows, index) => {
          const low = open ? edges[index - 1] : edges[index];
          const high = open ? edges[index] : edges[index + 1];
          return [low ?? null, high ?? null, rows];
        }),
      };
    }
    const bars = barsOf(column);
    const labels = column.top
      ? column.top.map((each) => each.value)
      : column.true !== undefined
        ? ['false', 'true']
        : [];
    return { columns: ['value', 'rows'], rows: bars.map((rows, index) => [labels[index] ?? 'all others', rows]) };
  }, [column]);
  const draw = useCallback<Draw>(
    (plot) => {
      if (column.histogram) {
        const bins = table.rows.flatMap(([low, high, rows]) =>
          typeof low === 'number' && typeof high === 'number' ? [{ low, high, rows: rows as number }] : [],
        );
        return {
          marginLeft: 60,
          x: isTime(column) ? { type: 'utc', label: null } : { label: name },
          y: { label: 'rows', grid: true },
          marks: [
            plot.rectY(bins, {
              x1: isTime(column) ? (bin: { low: number }) => new Date(bin.low / 1000) : 'low',
              x2: isTime(column) ? (bin: { high: number }) => new Date(bin.high / 1000) : 'high',
              y: 'rows',
              fill: 'var(--link)',
              fillOpacity: 0.75,
              insetLeft: 0.5,
              insetRight: 0.5,
              tip: true,
            }),
            plot.ruleY([0], { stroke: 'var(--chart-grid)' }),
          ],
        };
      }
      const bars = table.rows.map(([value, rows]) => ({ value: String(value), rows: rows as number }));
      return {
        marginLeft: 130,
        x: { label: 'rows', grid: true },
        y: { label: null, domain: bars.map((bar) => bar.value) },
        marks: [plot.barX(bars, { x: 'rows', y: 'value', fill: 'var(--link)', fillOpacity: 0.75, tip: true })],
      };
    },
    [table, column, name],
  );
  const quantiles = column.quantiles;
  const height = column.histogram ? 240 : Math.max(120, table.rows.length * 22 + 50);
  return (
    <div className="grid two">
      <ChartFrame
        title={`Distribution of ${name}`}
        table={table}
        note={
          column.histogram
            ? 'exact counts on frozen bins; rows without a value are left out'
            : 'the most frequent values'
        }
      >
        {table.rows.length === 0 ? <Empty title="No value was counted" /> : <Figure draw={draw} height={height} />}
      </ChartFrame>
      {quantiles && (
        <Card title="Quantiles">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">share of rows below</th>
                <th scope="col" className="right">
                  value
                </th>
              </tr>
            </thead>
            <tbody>
              {quantiles.shares.map((share, index) => (
                <tr key={share}>
                  <td>{percent(share, share < 0.01 || share > 0.99 ? 1 : 0)}</td>
                  <td className="right">
                    {isTime(column) ? localTime(quantiles.values[index] / 1000) : number(quantiles.values[index])}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className="chart-note">
            {quantiles.error > 0 ? `approximate: the share is within ${percent(quantiles.error, 2)}` : 'exact'}
          </p>
        </Card>
      )}
    </div>
  );
}

export function Profile({ report }: { report: Report }) {
  const [address, change] = useAddress();
  const [text, setText] = useState('');
  const order = address.order ?? 'contract';
  const rows = useMemo(() => {
    const all = Object.entries(report.profile.columns).map(([name, column]): Row => ({ name, ...column }));
    const wanted = text.trim().toLowerCase();
    const found = wanted ? all.filter((row) => row.name.toLowerCase().includes(wanted)) : all;
    if (order === 'missing') return found.sort((a, b) => (nullShare(b) ?? 0) - (nullShare(a) ?? 0));
    if (order === 'name') return found.sort((a, b) => a.name.localeCompare(b.name));
    return found;
  }, [report, text, order]);
  const chosen = address.column ? report.profile.columns[address.column] : undefined;
  return (
    <div className="stack">
      <Card
        title={`${count(Object.keys(report.profile.columns).length)} columns over ${count(report.profile.rows)} rows`}
      >
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
        <List<Row>
          label="Columns"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.name}
          total={rows.length}
          rowHeight={40}
          height={560}
          onOpen={(row) => change({ column: address.column === row.name ? undefined : row.name })}
          chosen={(row) => row.name === address.column}
          empty={<Empty title="No column of this name" />}
        />
        <p className="chart-note">Open a row for its distribution.</p>
      </Card>
      {address.column && chosen && !chosen.masked && <Histogram name={address.column} column={chosen} />}
    </div>
  );
}
