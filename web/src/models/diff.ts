// What two versions differ in, in words.
import type { Estimate } from '@/parts/basics';
import { number } from '@/parts/format';

export type Side = Estimate | number | null | undefined;

export interface Entry {
  name: string;
  from: string | null;
  to: string | null;
  differs: boolean;
}

export const estimateOf = (side: Side): Estimate | null =>
  side === null || side === undefined ? null : typeof side === 'number' ? { value: side } : side;

export type Word = 'higher' | 'lower' | 'no clear difference' | 'the same' | 'only before' | 'only now' | 'not known';

/** Intervals that overlap are no clear difference: nobody should read noise as news. */
export function compared(from: Side, to: Side): Word {
  const a = estimateOf(from);
  const b = estimateOf(to);
  const has = (each: Estimate | null) => each !== null && each.value !== null && each.value !== undefined;
  if (!has(a) && !has(b)) return 'not known';
  if (!has(b)) return 'only before';
  if (!has(a)) return 'only now';
  const [before, now] = [a?.value as number, b?.value as number];
  if (before === now) return 'the same';
  const bounded = [a?.low, a?.high, b?.low, b?.high].every((bound) => bound !== null && bound !== undefined);
  if (bounded && (a?.low as number) <= (b?.high as number) && (b?.low as number) <= (a?.high as number))
    return 'no clear difference';
  return now > before ? 'higher' : 'lower';
}

/** The word, and what it rests on. */
export function inWords(from: Side, to: Side): string {
  const word = compared(from, to);
  if (word === 'no clear difference') return 'no clear difference: the intervals overlap';
  if (word !== 'higher' && word !== 'lower') return word;
  const bounded = [from, to].every((side) => typeof estimateOf(side)?.low === 'number');
  return bounded ? `${word}: the intervals are apart` : `${word}, without an interval`;
}

/** +0.012, or – where one is missing. */
export function change(from: Side, to: Side): string {
  const [a, b] = [estimateOf(from)?.value, estimateOf(to)?.value];
  if (a === null || a === undefined || b === null || b === undefined) return '–';
  const by = b - a;
  return by === 0 ? '0' : `${by > 0 ? '+' : '−'}${number(Math.abs(by), 3)}`;
}
