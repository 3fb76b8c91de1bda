// The table of all runs: a hundred thousand rows, ten thousand keys; the server filters, sorts and pages.
import { Button, Switch } from '@mantine/core';
import { useCallback, useMemo, useRef, useSyncExternalStore } from 'react';
import { part } from '@/api/client';
import { useGo } from '@/app/palette';
import { useAddress } from '@/parts/address';
import { Empty, PageFrame, Problem, State, Tick, Time, To } from '@/parts/basics';
import { count, number, seconds } from '@/parts/format';
import { type Column, List } from '@/parts/table';
import {
  differs,
  isMetric,
  keyOf,
  listOf,
  quoted,
  type Run,
  readOrder,
  took,
  valueIn,
  writeChosen,
} from '@/runs/columns';
import { Experiments } from '@/runs/experiments';
import { Filter } from '@/runs/filter';
import { ColumnPicker } from '@/runs/picker';
import { KEPT, NONE, useMemory, useRows } from '@/runs/state';
import { Views } from '@/runs/views';

function onResize(changed: () => void) {
  window.addEventListener('resize', changed);
  return () => window.removeEventListener('resize', changed);
}
// Known in the first drawing already, unlike what an effect measures.
const useWindowHeight = () => useSyncExternalStore(onResize, () => window.innerHeight);

export function Runs() {
  const [address, change] = useAddress();
  const { touched, settled } = useMemory(address, change);
  const go = useGo();
  const height = Math.max(380, useWindowHeight() - 270);
  const experiment = address.experiment ?? '';
  const filter = address.filter ?? '';
  const order = readOrder(address.order);
  const only = address.differ === '1';
  const marked = listOf(address.pick);
  const picked = useMemo(() => new Set(listOf(address.pick)), [address.pick]);

  const { asked, chosen, total } = useRows(address, settled);
  const rows = useMemo(() => asked.data?.pages.flatMap((page) => page.items) ?? [], [asked.data]);
  const refused = asked.error && asked.error.status >= 400 && asked.error.status < 500 ? asked.error : null;
  // While a filter is refused, the rows before it stay, and are told to be so.
  const before = useRef<Run[]>([]);
  if (!refused && asked.data) before.current = rows;
  const listed = refused ? before.current : rows;
  const shown = useMemo(() => (only ? chosen.filter((each) => differs(rows, each)) : chosen), [only, chosen, rows]);

  const latest = useRef(picked);
  latest.current = picked;
  const pick = useCallback(
    (id: string) => {
      const next = new Set(latest.current);
      if (!next.delete(id)) next.add(id);
      change({ pick: [...next].join(',') });
    },
    [change],
  );
  const columns = useMemo(
    (): Column<Run>[] => [
      {
        key: 'pick',
        title: <span className="unseen">chosen</span>,
        width: 44,
        cell: (run) => (
          <Tick
            on={picked.has(run.run_id)}
            onChange={() => pick(run.run_id)}
            label={`Choose ${run.name || run.run_id}`}
          />
        ),
      },
      {
        key: 'name',
        title: 'run',
        width: 210,
        cell: (run) => <To to={`/runs/${part(run.run_id)}`}>{run.name || run.run_id.slice(0, 12)}</To>,
      },
      { key: 'status', title: 'status', width: 116, cell: (run) => <State of={run.status} /> },
      {
        key: 'start',
        title: 'started',
        width: 132,
        sort: 'start_time',
        cell: (run) => <Time at={run.start_time} relative />,
      },
      { key: 'took', title: 'took', width: 104, right: true, cell: (run) => seconds(took(run)) },
      ...shown.map(
        (each): Column<Run> => ({
          key: `${each.column}~${each.aggregate}`,
          title: (
            <span title={each.column}>
              {keyOf(each.column)}
              {each.aggregate !== 'last' && <span className="dim"> {each.aggregate}</span>}
            </span>
          ),
          width: isMetric(each.column) ? 124 : 140,
          right: isMetric(each.column),
          sort: each.aggregate === 'last' ? quoted(each.column) : undefined,
          cell: (run) => {
            const value = valueIn(run.values[each.column], each.aggregate);
            if (value === null) return <span className="dim">–</span>;
            return typeof value === 'number' ? (
              <span title={String(value)}>{number(value)}</span>
            ) : (
              <span title={value}>{value}</span>
            );
          },
        }),
      ),
      { key: 'user', title: 'by', cell: (run) => run.user },
    ],
    [shown, picked, pick],
  );

  const state = {
    experiment: address.experiment,
    filter: address.filter,
    order: address.order,
    columns: address.columns,
    differ: address.differ,
  };
  return (
    <PageFrame
      title="Runs"
      subtitle={total === undefined ? ' ' : `${count(total)} runs${filter || experiment ? ' of this choice' : ''}`}
      actions={
        <>
          {touched && (
            <Button
              variant="subtle"
              onClick={() => change(Object.fromEntries(KEPT.map((key) => [key, undefined])), true)}
            >
              Start over
            </Button>
          )}
          <Views
            page="runs"
            state={state}
            chosen={address.view}
            onOpen={(next, view) =>
              change(
                {
                  ...Object.fromEntries(Object.keys(state).map((key) => [key, undefined])),
                  ...next,
                  view,
                },
                true,
              )
            }
          />
          <Button disabled={marked.length < 2} onClick={() => void go(`/runs/compare?ids=${marked.join(',')}`)}>
            {marked.length < 2 ? 'Compare' : `Compare ${count(marked.length)} runs`}
          </Button>
        </>
      }
    >
      <div className="toolbar">
        <Experiments chosen={experiment} onChange={(ids) => change({ experiment: ids })} />
        <Filter
          value={filter}
          onChange={(text) => change({ filter: text })}
          error={refused ? `${refused.message}${refused.hint ? `. ${refused.hint}` : ''}` : undefined}
        />
        <ColumnPicker
          experiment={experiment}
          chosen={chosen}
          onChange={(next) => change({ columns: next.length ? writeChosen(next) : NONE })}
        />
        <Switch
          label="only what differs"
          title="Hides columns that are the same in all rows that are loaded"
          checked={only}
          onChange={(event) => change({ differ: event.currentTarget.checked ? '1' : undefined })}
          mt={8}
        />
      </div>
      {marked.length > 0 && (
        <div className="row" style={{ marginBottom: 8 }}>
          <span>{count(marked.length)} chosen</span>
          <Button size="compact-sm" variant="subtle" onClick={() => change({ pick: undefined })}>
            choose none
          </Button>
          {marked.length < Math.min(rows.length, 100) && (
            <Button
              size="compact-sm"
              variant="subtle"
              onClick={() =>
                change({
                  pick: rows
                    .slice(0, 100)
                    .map((run) => run.run_id)
                    .join(','),
                })
              }
            >
              choose the first {Math.min(rows.length, 100)}
            </Button>
          )}
        </div>
      )}
      {only && (
        <p className="chart-note">
          {count(chosen.length - shown.length)} of {count(chosen.length)} columns are the same in the{' '}
          {count(rows.length)} rows loaded, and hidden.
        </p>
      )}
      {refused && (
        <p className="chart-note">
          {listed.length > 0
            ? 'The rows below are those from before this filter.'
            : 'Nothing is shown until the filter is mended.'}
        </p>
      )}
      {refused && listed.length === 0 ? null : asked.error && !refused && rows.length === 0 ? (
        <Problem error={asked.error} again={() => asked.refetch()} />
      ) : (
        <List<Run>
          key={`${experiment} ${filter}`}
          label="Runs"
          columns={columns}
          rows={listed}
          keyOf={(run) => run.run_id}
          total={refused ? undefined : total}
          loading={asked.isFetching && (asked.isPending || asked.isFetchingNextPage)}
          more={asked.hasNextPage ? () => !asked.isFetchingNextPage && asked.fetchNextPage() : undefined}
          error={refused ? null : asked.error}
          order={order}
          onOrder={(next) => change({ order: `${next.by} ${next.down ? 'DESC' : 'ASC'}` })}
          onOpen={(run) => void go(`/runs/${part(run.run_id)}`)}
          chosen={(run) => picked.has(run.run_id)}
          height={height}
          rowHeight={34}
          empty={
            filter || experiment ? (
              <Empty title="No run is like this">Take the filter away, or choose another experiment.</Empty>
            ) : (
              <Empty title="No runs yet" command={`MLFLOW_TRACKING_URI=${location.origin} python train.py`}>
                Any script that uses MLflow's client is tracked here; a pipeline's stages are, too.
              </Empty>
            )
          }
        />
      )}
    </PageFrame>
  );
}
