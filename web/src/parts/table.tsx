// The list for many rows. The server filters, sorts and pages; only rows that are seen are in the document.
import { elementScroll, useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, type ReactNode, useCallback, useEffect, useMemo, useRef } from 'react';
import type { ApiError, Path, Query } from '@/api/client';
import { usePages } from '@/api/queries';
import { Empty, Problem } from './basics';
import { count } from './format';

export interface Column<T> {
  key: string;
  title: ReactNode;
  width?: number; // px; without it the column takes what is left (at least 120)
  right?: boolean; // numbers
  sort?: string; // what the server calls this order; absent: not sortable
  cell: (row: T) => ReactNode;
}

export interface Order {
  by: string;
  down: boolean;
}

interface ListProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T) => string;
  total?: number;
  more?: () => void; // asks for the next page
  loading?: boolean;
  error?: ApiError | null;
  again?: () => void;
  order?: Order;
  onOrder?: (order: Order) => void;
  onOpen?: (row: T) => void; // click or Enter
  chosen?: (row: T) => boolean;
  empty?: ReactNode;
  height?: number;
  rowHeight?: number;
}

const HEAD = 34;
const LEAST = 120; // px of a column that takes what is left

// What follows keeps a new list from measuring itself before it is first painted: each measurement lays the page out.
function observeSize(list: { scrollElement: Element | null }, tell: (size: { width: number; height: number }) => void) {
  const element = list.scrollElement as HTMLElement | null;
  if (!element) return;
  const observer = new ResizeObserver(() => tell({ width: element.offsetWidth, height: element.offsetHeight }));
  observer.observe(element);
  return () => observer.disconnect();
}
const scrollLater: typeof elementScroll = (offset, options, list) => {
  if (offset + (options.adjustments ?? 0) !== list.scrollOffset || list.scrollOffset !== 0)
    elementScroll(offset, options, list);
};

interface RowProps<T> {
  row: T;
  columns: Column<T>[];
  index: number;
  top: number;
  height: number;
  template: string;
  on: boolean;
  open?: (row: T) => void;
  move: (event: KeyboardEvent, index: number) => void;
}

// Drawn again only when something in it changed: a page that gives its columns by useMemo may be drawn as often as it likes.
const Row = memo(function Row<T>({ row, columns, index, top, height, template, on, open, move }: RowProps<T>) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-on={on}
      className="list-row data"
      tabIndex={open ? 0 : -1}
      onKeyDown={(event) => move(event, index)}
      onClick={
        open ? (event) => !(event.target as HTMLElement).closest('a,button,input,label') && open(row) : undefined
      }
      style={{
        gridTemplateColumns: template,
        height,
        position: 'absolute',
        top,
        cursor: open ? 'pointer' : undefined,
      }}
    >
      {columns.map((column) => (
        <div key={column.key} role="cell" className={column.right ? 'right' : undefined}>
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
}) as <T>(props: RowProps<T>) => ReactNode;

export function List<T>(props: ListProps<T>) {
  const { columns, rows, keyOf, more, loading, order, onOrder, onOpen, rowHeight = 38 } = props;
  const body = useRef<HTMLDivElement>(null);
  const height = Math.min(props.height ?? 620, HEAD + Math.max(1, rows.length) * rowHeight + 2);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => body.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: HEAD,
    initialRect: { width: 0, height }, // so that the rows are there at once, and not after a measurement
    observeElementRect: observeSize,
    scrollToFn: scrollLater,
  });
  // A list that has just become shorter is still measured as it was.
  const items = virtual.getVirtualItems().filter((item) => item.index < rows.length);
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !loading && last >= rows.length - 15) more();
  }, [last, rows.length, more, loading]);
  // Another order begins at its top; the page it was scrolled to is another one now.
  const sorted = order && `${order.by} ${order.down}`;
  const before = useRef(sorted);
  useEffect(() => {
    if (before.current !== sorted) body.current?.scrollTo(0, 0);
    before.current = sorted;
  }, [sorted]);
  const template = useMemo(
    () => columns.map((column) => (column.width ? `${column.width}px` : `minmax(${LEAST}px, 1fr)`)).join(' '),
    [columns],
  );
  // All rows are as wide as this, so that their columns stand below each other.
  const least = columns.reduce((sum, column) => sum + (column.width ?? LEAST), 0);

  // The same function for all rows and drawings; it sees what was drawn last.
  const moving = useRef<(event: KeyboardEvent, index: number) => void>(() => {});
  const opening = useRef(onOpen);
  opening.current = onOpen;
  moving.current = (event, index) => {
    if (event.key === 'Enter' && onOpen && event.target === event.currentTarget) onOpen(rows[index]);
    const to = event.key === 'ArrowDown' ? index + 1 : event.key === 'ArrowUp' ? index - 1 : -1;
    if (to < 0 || to >= rows.length) return;
    event.preventDefault();
    virtual.scrollToIndex(to);
    requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus());
  };
  const move = useCallback((event: KeyboardEvent, index: number) => moving.current(event, index), []);
  const open = useCallback((row: T) => opening.current?.(row), []);

  if (props.error && rows.length === 0) return <Problem error={props.error} again={props.again} />;
  if (!loading && rows.length === 0) return <div className="list">{props.empty ?? <Empty title="Nothing here" />}</div>;

  return (
    <div className="list">
      <div
        className="list-body"
        ref={body}
        style={{ height }}
        role="table"
        aria-label={props.label}
        aria-rowcount={(props.total ?? rows.length) + 1}
        tabIndex={0}
      >
        <div className="list-row head" role="row" style={{ gridTemplateColumns: template, minWidth: least }}>
          {columns.map((column) => {
            const on = order && column.sort === order.by;
            return (
              <div
                key={column.key}
                role="columnheader"
                className={column.right ? 'right' : undefined}
                aria-sort={on ? (order.down ? 'descending' : 'ascending') : undefined}
              >
                {column.sort && onOrder ? (
                  <button
                    type="button"
                    className="sort"
                    onClick={() => onOrder({ by: column.sort as string, down: on ? !order.down : true })}
                  >
                    <span className="clip">{column.title}</span>
                    {on && <span aria-hidden="true">{order.down ? '↓' : '↑'}</span>}
                  </button>
                ) : (
                  column.title
                )}
              </div>
            );
          })}
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative', minWidth: least }}>
          {items.map((item) => {
            const row = rows[item.index];
            return (
              <Row
                key={keyOf(row)}
                row={row}
                columns={columns}
                index={item.index}
                top={item.start - HEAD}
                height={rowHeight}
                template={template}
                on={props.chosen?.(row) ?? false}
                open={onOpen ? open : undefined}
                move={move}
              />
            );
          })}
        </div>
      </div>
      <div className="list-foot">
        <span>
          {loading
            ? 'asking …'
            : props.total !== undefined
              ? `${count(rows.length)} of ${count(props.total)}`
              : `${count(rows.length)} rows`}
        </span>
        {props.error && <span role="alert">{props.error.message}</span>}
      </div>
    </div>
  );
}

type PagedProps<T> = Omit<ListProps<T>, 'rows' | 'total' | 'more' | 'loading' | 'error' | 'again'> & {
  path: Path;
  query?: Query;
};

/** A List over a paged endpoint. */
export function PagedList<T>({ path, query, ...rest }: PagedProps<T>) {
  const asked = usePages<T>(path, query);
  const rows = useMemo(() => asked.data?.pages.flatMap((page) => page.items) ?? [], [asked.data]);
  return (
    <List<T>
      {...rest}
      rows={rows}
      total={asked.data?.pages[0]?.total}
      loading={asked.isFetching && (asked.isPending || asked.isFetchingNextPage)}
      error={asked.error}
      again={() => asked.refetch()}
      more={asked.hasNextPage ? () => !asked.isFetchingNextPage && asked.fetchNextPage() : undefined}
    />
  );
}
