import { describe, expect, it } from 'vitest';
import { alignedLines, binsOf, levelOf, saidOf } from './shape';
import type { FeatureRow } from './types';

const point = (to: string, value: number) => ({ from: to, to, value, low: value - 1, high: value + 1, n: 10 });

describe('alignedLines', () => {
  it('puts series of different windows on one axis', () => {
    const { x, lines } = alignedLines([
      { arm: 'stable', model: 'm', version: 1, points: [point('2013-01-01', 1), point('2013-03-01', 3)] },
      { arm: 'canary', model: 'm', version: 2, points: [point('2013-02-01', 2)] },
    ]);
    expect(x).toEqual([Date.parse('2013-01-01'), Date.parse('2013-02-01'), Date.parse('2013-03-01')]);
    expect(lines[0].values).toEqual([1, null, 3]);
    expect(lines[1].values).toEqual([null, 2, null]);
    expect(lines[1].high).toEqual([null, 3, null]);
    expect(lines[1].name).toBe('canary m@2');
  });
});

describe('levelOf', () => {
  it('knows both directions', () => {
    expect(levelOf(0.3, { warn: 0.1, page: 0.25 })).toBe('bad');
    expect(levelOf(0.2, { warn: 0.1, page: 0.25 })).toBe('warn');
    expect(levelOf(0.05, { warn: 0.1, page: null })).toBe('ok');
    expect(levelOf(0.6, { warn: 0.7, page: 0.65 }, true)).toBe('bad');
    expect(levelOf(null, { warn: 1, page: 2 })).toBe('quiet');
    expect(levelOf(0.3, null)).toBe('quiet');
  });
});

describe('binsOf', () => {
  it('names the bins of numbers', () => {
    const bins = binsOf({ edges: [0, 10], counts: [1, 2, 3, 4] });
    expect(bins.map((bin) => bin.name)).toEqual(['under 0', '0 to 10', '10 or more', 'missing']);
    expect(bins[3].share).toBeCloseTo(0.4);
  });
  it('names the bins of texts', () => {
    const bins = binsOf({ categories: ['a', 'b'], counts: [5, 3, 1, 1] });
    expect(bins.map((bin) => bin.name)).toEqual(['a', 'b', 'others', 'missing']);
  });
});

describe('saidOf', () => {
  const row = (over: Partial<FeatureRow>): FeatureRow => ({
    feature: 'age',
    role: 'input',
    type: 'number',
    psi: [0.01],
    js: [],
    nulls: [0],
    n: [100],
    importance: null,
    threshold: { psi: { warn: 0.1, page: 0.25 }, js: null, nulls: { warn: 0.1, page: null } },
    alerts: 0,
    open_alerts: 0,
    ...over,
  });
  it('says the plainest thing first', () => {
    expect(saidOf(row({ nulls: [0.17] }))).toBe('17 % are missing; limit 10 %');
    expect(saidOf(row({ psi: [0.4] }))).toBe('far from what the model was taught');
    expect(saidOf(row({}))).toBe('as the model was taught');
    expect(saidOf(row({ psi: [null] }))).toBe('not measured in the newest window');
  });
});
