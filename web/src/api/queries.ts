// Server state in TanStack Query: one key a path and its query, so that live changes know what to ask again.
import {
  infiniteQueryOptions,
  keepPreviousData,
  QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
} from '@tanstack/react-query';
import { ApiError, get, type Page, type Path, type Query } from './client';

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      // An answer of 4xx stays what it is; a server that is away comes back.
      retry: (count, error) => (!(error instanceof ApiError) || error.status === 0 || error.status >= 500) && count < 3,
    },
  },
});

export interface AskOptions {
  every?: number; // ms between two looks; live changes come without it
  enabled?: boolean;
  keep?: boolean; // show the last answer while the next is on its way
}

export function useGet<T>(path: Path, query?: Query, options: AskOptions = {}) {
  return useQuery<T, ApiError>({
    queryKey: [path, query ?? {}],
    queryFn: ({ signal }) => get<T>(path, query, signal),
    refetchInterval: options.every,
    enabled: options.enabled ?? true,
    placeholderData: options.keep ? keepPreviousData : undefined,
  });
}

type Pages<P> = { pages: P[] };

function pagesOf<T, P extends Omit<Page<T>, 'total'> = Page<T>>(
  path: Path,
  query?: Query,
  settle?: (first: P) => Query,
) {
  const queryKey: unknown[] = [path, query ?? {}, 'pages'];
  return infiniteQueryOptions<P, ApiError, Pages<P>, unknown[], string>({
    queryKey,
    queryFn: ({ signal, pageParam }) => {
      const first = client.getQueryData<Pages<P>>(queryKey)?.pages[0];
      return get<P>(path, { ...query, ...(first && settle?.(first)), after: pageParam }, signal);
    },
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

/** A list that is fetched page by page, as far as somebody scrolls. `settle` is what the first answer adds to later questions. */
export function usePages<T, P extends Omit<Page<T>, 'total'> = Page<T>>(
  path: Path,
  query?: Query,
  enabled = true,
  settle?: (first: P) => Query,
) {
  return useInfiniteQuery({
    ...pagesOf<T, P>(path, query, settle),
    enabled,
    placeholderData: keepPreviousData,
  });
}

const WAIT_MS = 300;

/** Asks for a list's first page before its page is drawn. Done when it is there, or when it is time to show that one waits. */
export function askPages(path: Path, query: Query): Promise<unknown> {
  return Promise.race([
    client.prefetchInfiniteQuery(pagesOf(path, query)),
    new Promise((resolve) => setTimeout(resolve, WAIT_MS)),
  ]);
}

/** A change. What is on screen is asked again afterwards. */
export function useChange<Body, Answer = unknown>(
  work: (body: Body) => Promise<Answer>,
  done?: (answer: Answer) => void,
) {
  return useMutation<Answer, ApiError, Body>({
    mutationFn: work,
    onSuccess: async (answer) => {
      await client.invalidateQueries({ refetchType: 'active' });
      done?.(answer);
    },
  });
}
