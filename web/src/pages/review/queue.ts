// The queue of questions to people: the oldest first, all that are open, and which comes after one.
import { useEffect, useMemo } from 'react';
import type { ReviewFacts } from '@/api/facts';
import { usePages } from '@/api/queries';

export const oldestFirst = (items: ReviewFacts[]) =>
  [...items].sort((a, b) => Date.parse(a.opened_at) - Date.parse(b.opened_at) || (a.id < b.id ? -1 : 1));

/** "late: no cause is known. nothing broke …" -> its first sentence, and the rest. */
export function headline(summary: string): [string, string] {
  const end = summary.search(/[.;] /);
  return end < 0 ? [summary, ''] : [summary.slice(0, end), summary.slice(end + 2)];
}

/** The one `step` places on from `id`; null at the ends. Of one that is not in the queue the first. */
export function neighbour(queue: { id: string }[], id: string, step: number): string | null {
  const at = queue.findIndex((each) => each.id === id);
  if (at < 0) return queue[0]?.id ?? null;
  return queue[at + step]?.id ?? null;
}

/** Which is next once `id` is answered: the following one, else the one before it. */
export const afterAnswer = (queue: { id: string }[], id: string) => neighbour(queue, id, 1) ?? neighbour(queue, id, -1);

export function useQueue(state: string | undefined) {
  const asked = usePages<ReviewFacts>('/reviews', { state, order: 'oldest', limit: 200 });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = asked;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const items = useMemo(() => oldestFirst(asked.data?.pages.flatMap((page) => page.items) ?? []), [asked.data]);
  return { items, asked };
}

/** A key that is meant for the page: nobody is typing, no shortcut of the browser. */
export function pageKey(event: KeyboardEvent): string | null {
  const target = event.target as HTMLElement | null;
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (target?.closest('input, textarea, select, [contenteditable], [role="dialog"]')) return null;
  return event.key;
}
