import { describe, expect, it } from 'vitest';
import { caught, median, money, pointOf } from './sums';
import type { ImpactFacts, Month } from './types';

const month: Month = {
  month: '2013-08',
  arm: 'stable',
  model: 'late',
  version: 1,
  served: true,
  requests: 2000,
  labels: 1800,
  counts: { tp: 10, fp: 4, fn: 3, tn: 100 },
  total: { value: 50, low: 40, high: 60 },
  per_1000: { value: 25, low: 20, high: 30, n: 1800 },
  gain: { total: { value: 80, low: 70, high: 90 }, per_1000: { value: 40, low: 35, high: 45 } },
  cost_per_1000: { compute: 1, labels: 2, total: 3 },
  mean_us: 900,
};

describe('pointOf', () => {
  it('takes what is asked for', () => {
    expect(pointOf(month, 'value', true).value).toBe(50);
    expect(pointOf(month, 'gain', false).high).toBe(45);
    expect(pointOf(month, 'cost', true).value).toBe(6);
  });
});

describe('caught', () => {
  it('leaves shadows out', () => {
    const facts = { months: [month, { ...month, served: false }], total: {} } as unknown as ImpactFacts;
    expect(caught(facts)).toEqual({ avoided: 10, missed: 3, false_alarms: 4 });
  });
});

describe('money and median', () => {
  it('shows cents only of small sums', () => {
    expect(money(12.5, 'EUR')).toMatch(/12[.,]50 EUR/);
    expect(money(1234.6, 'EUR')).toMatch(/1.?235 EUR/);
    expect(money(null, 'EUR')).toBe('–');
  });
  it('is the middle of what is known', () => {
    expect(median([3, null, 1, 2])).toBe(2);
    expect(median([1, 2])).toBe(1.5);
    expect(median([null])).toBeNull();
  });
});
