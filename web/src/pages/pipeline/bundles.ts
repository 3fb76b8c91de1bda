import type { StageRun } from './types';

const GAP_MS = 30 * 60_000;

/** Runs that follow each other within half an hour belong together; the newest bundle first. */
export function bundles(runs: StageRun[]): StageRun[][] {
  const sorted = [...runs].sort((a, b) => Date.parse(b.started_at) - Date.parse(a.started_at));
  const out: StageRun[][] = [];
  let earliest = Number.POSITIVE_INFINITY;
  for (const run of sorted) {
    const end = Date.parse(run.ended_at ?? run.started_at);
    if (out.length === 0 || earliest - end > GAP_MS) out.push([]);
    out[out.length - 1].push(run);
    earliest = Math.min(earliest, Date.parse(run.started_at));
  }
  return out;
}
