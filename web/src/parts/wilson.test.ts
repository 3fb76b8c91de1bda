import { describe, expect, it } from 'vitest';
import { percents, wilson } from './wilson';

describe('wilson', () => {
  it('gives the interval of the textbook', () => {
    // Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662.
    const found = wilson(81, 263);
    expect(found?.low).toBeCloseTo(0.2553, 4);
    expect(found?.high).toBeCloseTo(0.3662, 4);
  });
  it('stays within 0 and 1 at the ends', () => {
    expect(wilson(0, 20)?.low).toBe(0);
    expect(wilson(20, 20)?.high).toBe(1);
    expect(wilson(0, 20)?.high).toBeCloseTo(0.1611, 4);
  });
  it('says nothing without rows', () => {
    expect(wilson(0, 0)).toBeNull();
    expect(wilson(3, 2)).toBeNull();
  });
  it('becomes percent with its ends', () => {
    expect(percents({ value: 0.5, low: 0.4, high: null })).toEqual({ value: 50, low: 40, high: null });
    expect(percents(null)).toBeNull();
  });
});
