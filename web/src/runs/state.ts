// What the table of runs asks for and shows before anybody has chosen, and what is remembered of a choice.
import { useEffect, useMemo, useState } from 'react';
import type { Page, Query } from '@/api/client';
import { askPages, useGet, usePages } from '@/api/queries';
import type { Address } from '@/parts/address';
import { type Chosen, type Run, readChosen } from './columns';

export const NONE = '-'; // columns=- in the address: none was chosen on purpose
const COMMON = 'common'; // the server says which columns most of the page's runs have

interface RunsPage extends Omit<Page<Run>, 'total'> {
  columns: string[];
  total: number | null; // null: nobody has counted
}

/** What a page of rows is asked with. No count: it may cost far more than the rows do. */
export function rowsQuery(address: Address): Query {
  const { experiment, filter, order } = address;
  const columns =
    address.columns === undefined ? COMMON : address.columns === NONE ? '' : namesOf(readChosen(address.columns));
  return { experiment, filter, order, columns, total: false, limit: 100 };
}

/** The first rows of an address, or of the last choice where it has none. */
export const askRows = (address: Address) =>
  askPages('/runs', rowsQuery((keptOf(address) === '{}' && remembered()) || address));

const namesOf = (chosen: Chosen[]) => [...new Set(chosen.map((each) => each.column))].join(',');

// The rows below have the columns of those above, also when newer runs have others. A list of one page may still change.
const settle = (first: RunsPage): Query =>
  first.next && first.columns.length ? { columns: first.columns.join(',') } : {};

/** The rows with their columns; then, once they are there, how many there are. */
export function useRows(address: Address, enabled: boolean) {
  const asked = usePages<Run, RunsPage>(
    '/runs',
    rowsQuery(address),
    enabled,
    address.columns === undefined ? settle : undefined,
  );
  const first = asked.data?.pages[0];
  const known = asked.isPlaceholderData ? undefined : first?.total;
  const counted = useGet<{ total: number }>(
    '/runs/total',
    { experiment: address.experiment, filter: address.filter },
    { enabled: known === null },
  );
  const common = first?.columns.join(',') ?? '';
  const chosen = useMemo(() => {
    if (address.columns === NONE) return [];
    return readChosen(address.columns ?? common);
  }, [address.columns, common]);
  return { asked, chosen, total: known ?? (known === null ? counted.data?.total : undefined) };
}

export const KEPT = ['experiment', 'filter', 'order', 'columns', 'differ', 'view'];
const MEMORY = 'millrace.runs';

const keptOf = (address: Address) =>
  JSON.stringify(Object.fromEntries(KEPT.flatMap((key) => (address[key] ? [[key, address[key]]] : []))));

/** Who comes without a choice finds the last one again; it is in the address, and can be left. */
export function useMemory(address: Address, change: (next: Address) => void) {
  const kept = keptOf(address);
  // Until the last choice is in the address, nothing is worth asking for.
  const [last, setLast] = useState(() => (kept === '{}' ? remembered() : null));
  useEffect(() => {
    if (last) {
      change(last);
      setLast(null);
    } else localStorage.setItem(MEMORY, kept);
  }, [last, kept, change]);
  return { touched: kept !== '{}', settled: last === null };
}

function remembered(): Address | null {
  try {
    const last = JSON.parse(localStorage.getItem(MEMORY) ?? '{}');
    return Object.keys(last).length ? last : null;
  } catch {
    return null; // what is kept is no choice, or the browser keeps nothing
  }
}
