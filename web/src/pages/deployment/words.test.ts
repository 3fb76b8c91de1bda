import { describe, expect, it } from 'vitest';
import type { Guardrail } from '@/api/facts';
import { progressOf, sentenceOf, standingOf } from './words';

const guard = (over: Partial<Guardrail>): Guardrail => ({
  guardrail: 'errors',
  tolerance: 0.01,
  e_value: 1,
  log_e_value: 0,
  safe_log_e_value: 0,
  safe: false,
  alpha: 0.01,
  compared: { canary: 100, stable: 900 },
  canary: { value: 0.02, low: 0.01, high: 0.05 },
  stable: { value: 0.01, low: 0.008, high: 0.015 },
  difference: null,
  ...over,
});

describe('evidence in words', () => {
  it('says shares with what is tolerated', () => {
    expect(sentenceOf(guard({}))).toBe(
      "2.00 % of the canary's requests fail, 1.00 % on the stable arm; up to 1 percentage points more are tolerated.",
    );
  });
  it('says latency in milliseconds', () => {
    const latency = guard({
      guardrail: 'latency',
      quantile: 0.95,
      ratio: 1.5,
      canary: { value: 2400 },
      stable: { value: 2000 },
    });
    expect(sentenceOf(latency)).toContain("95 % of the canary's answers come within 2.4 ms");
    expect(sentenceOf(latency)).toContain('up to 1.5 times');
  });
  it('says worth in money', () => {
    const worth = guard({
      guardrail: 'value',
      currency: 'USD',
      per_1000: 50,
      canary: { value: 812 },
      stable: { value: 790 },
    });
    expect(sentenceOf(worth)).toBe(
      '1,000 decisions of the canary are worth 812 USD, of the stable arm 790; up to 50 less is tolerated.',
    );
  });
  it('says that nothing is known', () => {
    expect(sentenceOf(guard({ canary: null }))).toContain('Nothing to compare yet');
  });
});

describe('progress to a decision', () => {
  it('is in orders of magnitude', () => {
    expect(progressOf(0, 100)).toBe(0);
    expect(progressOf(Math.log(10), 100)).toBeCloseTo(0.5);
    expect(progressOf(Math.log(1e6), 100)).toBe(1);
    expect(progressOf(-3, 100)).toBe(0);
    expect(progressOf(null, 100)).toBe(0);
  });
  it('names where a guardrail stands', () => {
    expect(standingOf(guard({ log_e_value: 5 }), 100).word).toBe('broken');
    expect(standingOf(guard({ safe: true }), 100).word).toBe('kept');
    expect(standingOf(guard({ log_e_value: Math.log(20) }), 100).word).toBe('in doubt');
    expect(standingOf(guard({}), 100).word).toBe('not decided');
  });
});
