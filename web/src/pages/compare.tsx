// Any number of runs beside each other: what differs, in both orientations, and their metrics in one chart each.
import { Button, MultiSelect, SegmentedControl, Switch, Tabs } from '@mantine/core';
import { useMemo } from 'react';
import { type Page, part } from '@/api/client';
import { usePages } from '@/api/queries';
import { useAddress } from '@/parts/address';
import { Empty, PageFrame, Problem, To } from '@/parts/basics';
import { count, number } from '@/parts/format';
import { type Column, List } from '@/parts/table';
import { MetricChart } from '@/runs/chart';
import { keyOf, kindOf, listOf, type Run } from '@/runs/columns';
import { Plots, type Row } from '@/runs/scatter';

// A page of keys; the runs are the same in each.
interface ComparePage extends Page<Row> {
  runs: Run[];
  rows: Row[];
}

const shown = (value: string | number | null) =>
  value === null ? (
    <span className="dim">–</span>
  ) : typeof value === 'number' ? (
    <span title={String(value)}>{number(value)}</span>
  ) : (
    <span title={value}>{value}</span>
  );

interface TableProps {
  runs: { id: string; name: string }[];
  rows: Row[];
  total?: number;
  loading: boolean;
  more?: () => void;
}

/** A row a key, a column a run. */
function ByKey({ runs, rows, ...rest }: TableProps) {
  const columns: Column<Row>[] = [
    { key: 'kind', title: 'kind', width: 80, cell: (row) => <span className="dim">{kindOf(row.column)}</span> },
    { key: 'key', title: 'name', width: 220, cell: (row) => <strong title={row.column}>{keyOf(row.column)}</strong> },
    ...runs.map(
      (run, index): Column<Row> => ({
        key: run.id,
        title: <To to={`/runs/${part(run.id)}`}>{run.name}</To>,
        width: runs.length > 6 ? 130 : undefined,
        right: true,
        cell: (row) => shown(row.values[index]),
      }),
    ),
  ];
  return (
    <List<Row>
      label="Runs compared, a row a key"
      columns={columns}
      rows={rows}
      keyOf={(row) => row.column}
      rowHeight={32}
      height={700}
      chosen={(row) => row.differs && rows.some((other) => !other.differs)}
      empty={<Empty title="Nothing differs">These runs have the same parameters, metrics and tags.</Empty>}
      {...rest}
    />
  );
}

interface Turned {
  id: string;
  name: string;
  index: number;
}

/** A row a run, a column a key: for many runs. */
function ByRun({ runs, rows, total, loading, more }: TableProps) {
  const columns: Column<Turned>[] = [
    { key: 'run', title: 'run', width: 210, cell: (run) => <To to={`/runs/${part(run.id)}`}>{run.name}</To> },
    ...rows.slice(0, 60).map(
      (row): Column<Turned> => ({
        key: row.column,
        title: <span title={row.column}>{keyOf(row.column)}</span>,
        width: 124,
        right: true,
        cell: (run) => shown(row.values[run.index]),
      }),
    ),
  ];
  return (
    <>
      <List<Turned>
        label="Runs compared, a row a run"
        columns={columns}
        rows={runs.map((run, index) => ({ ...run, index }))}
        keyOf={(run) => run.id}
        total={runs.length}
        loading={loading}
        rowHeight={32}
        height={700}
      />
      {total !== undefined && total > 60 && (
        <p className="chart-note">The first 60 of {count(total)} keys are columns; the other orientation has all.</p>
      )}
      {more && rows.length < 60 && (
        <Button size="compact-sm" variant="default" onClick={more}>
          More keys
        </Button>
      )}
    </>
  );
}

function Charts({ runs, rows }: { runs: TableProps['runs']; rows: Row[] }) {
  const [address, change] = useAddress();
  const known = useMemo(
    () => rows.filter((row) => row.column.startsWith('metrics.')).map((row) => keyOf(row.column)),
    [rows],
  );
  const chosen = address.metrics ? listOf(address.metrics) : known.slice(0, 4);
  const by = address.by === 'time' ? 'time' : 'step';
  const drawn = useMemo(() => runs.slice(0, 60), [runs]);
  if (known.length === 0) return <p className="dim">These runs have no metric that differs.</p>;
  return (
    <>
      <div className="toolbar">
        <MultiSelect
          className="grow"
          aria-label="Metrics"
          data={known}
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
      {runs.length > 60 && <p className="chart-note">The first 60 of {count(runs.length)} runs are drawn.</p>}
      <div className="grid two">
        {chosen.map((metric) => (
          <MetricChart key={`${metric} ${by}`} metric={metric} runs={drawn} by={by} height={260} />
        ))}
      </div>
    </>
  );
}

export function Compare() {
  const [address, change] = useAddress();
  const ids = listOf(address.ids);
  const differ = address.differ !== '0';
  const tab = address.tab ?? 'table';
  const asked = usePages<Row>('/runs/compare', { ids: address.ids, differ, limit: 200 }, ids.length > 1);
  const pages = asked.data?.pages as ComparePage[] | undefined;
  const rows = useMemo(() => pages?.flatMap((page) => page.rows) ?? [], [pages]);
  const runs = useMemo(
    () => pages?.[0]?.runs.map((run) => ({ id: run.run_id, name: run.name || run.run_id.slice(0, 8) })) ?? [],
    [pages],
  );
  const total = asked.data?.pages[0]?.total;
  const turned = address.turn ? address.turn === '1' : runs.length > 12;
  const table = {
    runs,
    rows,
    total,
    loading: asked.isFetching && (asked.isPending || asked.isFetchingNextPage),
    more: asked.hasNextPage ? () => !asked.isFetchingNextPage && asked.fetchNextPage() : undefined,
  };
  const crumbs = [{ text: 'Runs', to: '/runs' }];
  if (ids.length < 2)
    return (
      <PageFrame title="Compare runs" crumbs={crumbs}>
        <Empty title="Two runs or more can be compared">
          Choose some in <To to="/runs">the table of runs</To>, then press Compare.
        </Empty>
      </PageFrame>
    );
  const error = asked.error;
  return (
    <PageFrame
      title={`${count(ids.length)} runs compared`}
      crumbs={crumbs}
      subtitle={
        total === undefined ? ' ' : `${count(total)} ${differ ? 'parameters, metrics and tags differ' : 'keys in all'}`
      }
      actions={
        <To to={`/runs?pick=${encodeURIComponent(ids.join(','))}`} className="dim">
          Change the choice
        </To>
      }
    >
      {error ? (
        <Problem error={error} again={() => asked.refetch()} />
      ) : (
        <Tabs
          value={tab}
          onChange={(next) => change({ tab: next === 'table' ? undefined : (next ?? undefined) })}
          keepMounted={false}
        >
          <Tabs.List mb="md">
            <Tabs.Tab value="table">What differs</Tabs.Tab>
            <Tabs.Tab value="charts">Metrics over steps</Tabs.Tab>
            <Tabs.Tab value="plot">Plot of columns</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="table">
            <div className="toolbar">
              <Switch
                label="only what differs"
                checked={differ}
                onChange={(event) => change({ differ: event.currentTarget.checked ? undefined : '0' })}
                mt={8}
              />
              <SegmentedControl
                value={turned ? '1' : '0'}
                onChange={(turn) => change({ turn })}
                aria-label="Orientation"
                data={[
                  { label: 'a row a key', value: '0' },
                  { label: 'a row a run', value: '1' },
                ]}
              />
            </div>
            {turned ? <ByRun {...table} /> : <ByKey {...table} />}
          </Tabs.Panel>
          <Tabs.Panel value="charts">
            <Charts runs={runs} rows={rows} />
          </Tabs.Panel>
          <Tabs.Panel value="plot">
            <Plots runs={runs} rows={rows} address={address} change={change} />
          </Tabs.Panel>
        </Tabs>
      )}
    </PageFrame>
  );
}
