// Live pages: one held request for what the journal says next; what is on screen is asked again after a change.
import { useEffect } from 'react';
import { ApiError, get } from './client';
import { client } from './queries';

interface Changes {
  next: number;
  items: { sequence: number; kind: string; node: string; subject: string; at: string }[];
  skipped: boolean; // too much happened to tell it line by line
}

const SETTLE_MS = 700; // several lines of one action lead to one look
const AGAIN_MS = 3_000;
const SHORT = 3; // pages

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

// A list that somebody has scrolled far down would ask for all its pages again at each change: it stays as it is.
const isShort = (query: { state: { data?: unknown } }) => {
  const pages = (query.state.data as { pages?: unknown[] } | undefined)?.pages;
  return !pages || pages.length <= SHORT;
};

async function follow(signal: AbortSignal) {
  let after: number | undefined;
  while (!signal.aborted) {
    try {
      const answer = await get<Changes>('/changes', after === undefined ? {} : { after, wait: 25 }, signal);
      after = answer.next;
      if (answer.items?.length || answer.skipped) {
        await pause(SETTLE_MS, signal);
        await client.invalidateQueries({ refetchType: 'active', predicate: isShort });
      }
    } catch (error) {
      if (signal.aborted || (error instanceof ApiError && error.status === 401)) return;
      await pause(AGAIN_MS, signal);
    }
  }
}

/** Follows the journal while `on` and while the tab is seen. */
export function useLive(on: boolean) {
  useEffect(() => {
    if (!on) return;
    let stop = new AbortController();
    const start = () => {
      stop.abort();
      stop = new AbortController();
      if (!document.hidden) void follow(stop.signal);
    };
    document.addEventListener('visibilitychange', start);
    start();
    return () => {
      document.removeEventListener('visibilitychange', start);
      stop.abort();
    };
  }, [on]);
}
