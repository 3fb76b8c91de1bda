// The state of a page is its address: search parameters as texts, and path parameters.
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

export type Address = Record<string, string | undefined>;

/** The search parameters, and a way to change some (undefined or '' takes one away). Replaces the address unless `push`. */
export function useAddress(): [Address, (change: Address, push?: boolean) => void] {
  const search = useSearch({ strict: false }) as Address;
  const navigate = useNavigate();
  const change = useCallback(
    (next: Address, push = false) =>
      void navigate({
        to: '.',
        search: ((old: Address) => ({ ...old, ...next })) as never,
        replace: !push,
        resetScroll: false,
      }),
    [navigate],
  );
  return [search, change];
}

export const usePathNames = () => useParams({ strict: false }) as Record<string, string>;
