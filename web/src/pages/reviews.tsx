// What people are asked: the queue, oldest first. j and k move, Enter opens.
import { useEffect, useState } from 'react';
import type { ReviewFacts } from '@/api/facts';
import { useGo } from '@/app/palette';
import { useAddress } from '@/parts/address';
import { Empty, NodeLink, PageFrame, State, Time, To } from '@/parts/basics';
import { Choose } from '@/parts/choose';
import { count } from '@/parts/format';
import { type Column, List } from '@/parts/table';
import { headline, pageKey, useQueue } from './review/queue';
import { Requests } from './review/requests';

const STATES = [
  { value: 'open', label: 'Open' },
  { value: 'closed', label: 'Answered' },
  { value: 'all', label: 'All' },
];

const pathOf = (row: ReviewFacts) => `/reviews/${encodeURIComponent(row.id)}`;

const COLUMNS: Column<ReviewFacts>[] = [
  {
    key: 'what',
    title: 'Question',
    cell: (row) => (
      <To to={pathOf(row)}>
        <strong title={row.summary}>{headline(row.summary)[0]}</strong>
      </To>
    ),
  },
  {
    key: 'cause',
    title: 'About',
    width: 190,
    cell: (row) =>
      row.cause ? (
        <NodeLink node={row.cause}>{row.cause.replace(/^dataset:/, '')}</NodeLink>
      ) : (
        <span className="dim">{row.kind === 'case' ? 'a request' : 'no cause known'}</span>
      ),
  },
  { key: 'alerts', title: 'Alerts', width: 80, right: true, cell: (row) => count(row.subjects.length) },
  { key: 'opened', title: 'Asked', width: 215, cell: (row) => <Time at={row.opened_at} /> },
  { key: 'state', title: 'State', width: 130, cell: (row) => <State of={row.decision ?? row.state} /> },
  { key: 'by', title: 'By', width: 140, cell: (row) => row.by ?? <span className="dim">–</span> },
];

export function Reviews() {
  const [address, change] = useAddress();
  const go = useGo();
  const state = address.state ?? 'open';
  const { items, asked } = useQueue(state === 'all' ? undefined : state);
  const [at, setAt] = useState(0);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const key = pageKey(event);
      if (key === 'j') setAt((old) => Math.min(items.length - 1, old + 1));
      else if (key === 'k') setAt((old) => Math.max(0, old - 1));
      else if (key === 'Enter' && items[at] && event.target === document.body) void go(pathOf(items[at]));
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [items, at, go]);
  return (
    <PageFrame
      title="Reviews"
      subtitle="What people are asked, the oldest question first"
      actions={
        <span className="dim">
          <span className="kbd">j</span> <span className="kbd">k</span> move, <span className="kbd">Enter</span> opens
        </span>
      }
    >
      <div className="stack">
        <div className="row">
          <Choose
            label="State"
            value={state}
            options={STATES}
            onChange={(value) => {
              setAt(0);
              change({ state: value === 'open' ? undefined : value });
            }}
          />
        </div>
        <List<ReviewFacts>
          label="Reviews, oldest first"
          columns={COLUMNS}
          rows={items}
          total={asked.hasNextPage ? undefined : items.length}
          keyOf={(row) => row.id}
          rowHeight={42}
          loading={asked.isPending}
          error={asked.error}
          again={() => asked.refetch()}
          onOpen={(row) => go(pathOf(row))}
          chosen={(row) => items[at]?.id === row.id}
          empty={
            state === 'open' ? (
              <Empty title="No open question">
                All reviews are answered. A page with `review` under its monitor asks the next one by itself.
              </Empty>
            ) : (
              <Empty title="No review here yet" />
            )
          }
        />
        <Requests />
      </div>
    </PageFrame>
  );
}
