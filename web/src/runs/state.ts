// What the table of runs shows before anybody has chosen, and what is remembered of a choice.
import { useEffect, useMemo, useRef } from 'react';
import { useGet } from '@/api/queries';
import type { Address } from '@/parts/address';
import { type Chosen, readChosen } from './columns';

export const NONE = '-'; // columns=- in the address: none was chosen on purpose

interface Used {
  column: string;
  runs: number;
}

// A column that one run in ten has not would be empty nearly everywhere.
const common = (columns: Used[] = []) => columns.filter(({ runs }) => runs * 10 >= (columns[0]?.runs ?? 0));

/** What is shown before anybody has chosen: the most used metrics and parameters. */
export function useColumns(experiment: string, text: string | undefined): Chosen[] {
  const open = text === undefined;
  const query = { experiment, limit: 4 };
  const metrics = useGet<{ items: Used[] }>('/runs/columns', { ...query, kind: 'metric' }, { enabled: open });
  const params = useGet<{ items: Used[] }>('/runs/columns', { ...query, kind: 'param' }, { enabled: open });
  return useMemo(() => {
    if (text === NONE) return [];
    if (text !== undefined) return readChosen(text);
    return [...common(metrics.data?.items), ...common(params.data?.items)].map(({ column }) => ({
      column,
      aggregate: 'last',
    }));
  }, [text, metrics.data, params.data]);
}

export const KEPT = ['experiment', 'filter', 'order', 'columns', 'differ', 'view'];
const MEMORY = 'millrace.runs';

/** Who comes without a choice finds the last one again; it is in the address, and can be left. */
export function useMemory(address: Address, change: (next: Address) => void) {
  const kept = JSON.stringify(Object.fromEntries(KEPT.flatMap((key) => (address[key] ? [[key, address[key]]] : []))));
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      const last = localStorage.getItem(MEMORY);
      if (last && KEPT.every((key) => !address[key])) return change(JSON.parse(last));
    }
    localStorage.setItem(MEMORY, kept);
  }, [kept, address, change]);
  return kept !== '{}';
}
