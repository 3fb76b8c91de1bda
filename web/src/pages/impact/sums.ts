// Sums over months, and money as a text.
import type { ImpactFacts, Month } from './types';

export type Measure = 'value' | 'gain' | 'cost';

/** 1,234 EUR; -12.5 EUR; cents only where they matter. */
export function money(value: number | null | undefined, currency: string): string {
  if (value === null || value === undefined) return '–';
  const digits = Math.abs(value) < 100 ? 2 : 0;
  return `${value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${currency}`;
}

/** What one month and arm is drawn as. */
export function pointOf(month: Month, measure: Measure, whole: boolean) {
  if (measure === 'cost') {
    const value = month.cost_per_1000.total;
    return { value: value === null ? null : whole ? (value * month.requests) / 1000 : value, low: null, high: null };
  }
  const of = measure === 'value' ? month : month.gain;
  return whole ? of.total : of.per_1000;
}

/** Of arms that answered: a true positive is an error that did not happen, compared with choosing nobody. */
export function caught(facts: ImpactFacts): { avoided: number; missed: number; false_alarms: number } {
  const counts =
    facts.total.counts ??
    facts.months
      .filter((month) => month.served)
      .reduce(
        (sum, { counts: each }) => ({
          tp: sum.tp + each.tp,
          fp: sum.fp + each.fp,
          fn: sum.fn + each.fn,
          tn: sum.tn + each.tn,
        }),
        {
          tp: 0,
          fp: 0,
          fn: 0,
          tn: 0,
        },
      );
  return { avoided: counts.tp, missed: counts.fn, false_alarms: counts.fp };
}

export function median(values: (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null).sort((a, b) => a - b);
  if (known.length === 0) return null;
  const middle = known.length >> 1;
  return known.length % 2 ? known[middle] : (known[middle - 1] + known[middle]) / 2;
}
