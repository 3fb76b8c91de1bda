// Rows that were set aside, each with its reasons. What a reader's role may not see is marked, not left out.
import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import { type ApiError, get, type Page, part } from '@/api/client';
import { useMay } from '@/api/session';
import { Empty } from '@/parts/basics';
import { count } from '@/parts/format';
import { type Column, List } from '@/parts/table';
import { brokenBy, type Reasoned, rulesOf } from './reasons';
import type { Check } from './types';

interface Row extends Reasoned {
  file?: string | number | null;
  row: number;
  values: unknown[];
}
interface Answer {
  columns: { name: string; type: string; classification: string; masked: boolean }[];
}

const written = (value: unknown) =>
  value === null || value === undefined ? (
    <span className="dim">no value</span>
  ) : (
    <span title={String(value)}>{typeof value === 'object' ? JSON.stringify(value) : String(value)}</span>
  );

/** A value that a rule complains of: with colour, shape and word. */
function Cell({ broken, checks, children }: { broken: string[]; checks: Record<string, Check>; children: ReactNode }) {
  if (broken.length === 0) return children;
  return (
    <span className="broken" title={broken.map((rule) => checks[rule]?.description ?? rule).join('\n')}>
      {children}
      <span className="unseen"> breaks {broken.join(', ')}</span>
    </span>
  );
}

interface Props {
  dataset: string;
  version: string;
  checks: Record<string, Check>;
}

export function Quarantine({ dataset, version, checks }: Props) {
  const [seen, setSeen] = useState(false);
  const may = useMay('approve');
  const path = `/datasets/${part(dataset)}/versions/${part(version)}/quarantine` as const;
  // Asked once and not again after each change: reading what is hidden is a change itself, a line of the audit chain.
  const asked = useInfiniteQuery<Page<Row>, ApiError, { pages: Page<Row>[] }, unknown[], string>({
    queryKey: [path, { masked: !seen }],
    queryFn: ({ signal, pageParam }) => get<Page<Row>>(path, { limit: 100, masked: !seen, after: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: 'static',
    gcTime: seen ? 0 : undefined,
  });
  const rows = useMemo(() => asked.data?.pages.flatMap((page) => page.items) ?? [], [asked.data]);
  const given = (asked.data?.pages[0] as Answer | undefined)?.columns;
  const columns = useMemo<Column<Row>[]>(
    () => [
      { key: 'row', title: 'row', width: 90, right: true, cell: (row) => count(row.row) },
      {
        key: 'reasons',
        title: 'why',
        width: 260,
        cell: (row) => (
          <strong
            title={rulesOf(row)
              .map((rule) => checks[rule]?.description ?? rule)
              .join('\n')}
          >
            {rulesOf(row).join(', ')}
          </strong>
        ),
      },
      ...(given ?? []).map(
        (column, index): Column<Row> => ({
          key: `${index} ${column.name}`,
          title: (
            <span title={`${column.type}${column.classification ? `, ${column.classification}` : ''}`}>
              {column.name}
            </span>
          ),
          width: 128,
          right: ['integer', 'number', 'BIGINT', 'DOUBLE'].includes(column.type),
          cell: (row) => (
            <Cell broken={brokenBy(row, column.name, checks)} checks={checks}>
              {column.masked ? <span className="masked">hidden</span> : written(row.values[index])}
            </Cell>
          ),
        }),
      ),
    ],
    [given, checks],
  );
  const masked = given?.filter((column) => column.masked) ?? [];
  return (
    <>
      {masked.length > 0 && (
        <p>
          Values of {masked.map((column) => column.name).join(', ')} are hidden: the contract classifies them.{' '}
          {may ? (
            <Button size="compact-sm" variant="default" onClick={() => setSeen(true)}>
              Show them; that is written into the audit chain
            </Button>
          ) : (
            'An approver or admin may see them; that is written into the audit chain.'
          )}
        </p>
      )}
      {seen && masked.length === 0 && (
        <p>
          Classified values are shown, and the audit chain says so.{' '}
          <Button size="compact-sm" variant="default" onClick={() => setSeen(false)}>
            Hide them
          </Button>
        </p>
      )}
      <List<Row>
        label="Rows in quarantine"
        columns={columns}
        rows={rows}
        keyOf={(row) => `${row.file ?? ''} ${row.row}`}
        total={asked.data?.pages[0]?.total}
        loading={asked.isFetching && (asked.isPending || asked.isFetchingNextPage)}
        error={asked.error}
        again={() => asked.refetch()}
        more={asked.hasNextPage ? () => !asked.isFetchingNextPage && asked.fetchNextPage() : undefined}
        rowHeight={32}
        empty={<Empty title="No row was set aside" />}
      />
    </>
  );
}
