// The interval of a share (Wilson 1927), 95 %: what a count of hits says about the rate behind it.
import type { Estimate } from './basics';

const Z = 1.959963984540054;

export function wilson(hits: number, n: number): Estimate | null {
  if (!(n > 0) || hits < 0 || hits > n) return null;
  const share = hits / n;
  const middle = (share + (Z * Z) / (2 * n)) / (1 + (Z * Z) / n);
  const half = (Z / (1 + (Z * Z) / n)) * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  return { value: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** A share and its interval as percent. */
export const percents = (of: Estimate | null | undefined): Estimate | null =>
  of === null || of === undefined || of.value === null
    ? null
    : {
        value: of.value * 100,
        low: of.low === null || of.low === undefined ? null : of.low * 100,
        high: of.high === null || of.high === undefined ? null : of.high * 100,
      };
