import { describe, expect, it } from 'vitest';
import { brokenBy, rulesOf } from './reasons';
import type { Check } from './types';

const about = (...columns: string[]): Check => ({
  kind: 'range',
  columns,
  unit: 'rows',
  on_fail: 'quarantine',
  severity: 'none',
  ok: false,
  value: 1,
});
const checks = { 'tz.range': about('tz'), airliner: about('seats', 'engine'), rows: about() };

describe('reasons of a row that was set aside', () => {
  it('are read as a list, or as the text of older files', () => {
    expect(rulesOf({ reasons: ['tz.range'] })).toEqual(['tz.range']);
    expect(rulesOf({ reasons: 'tz.range, airliner' })).toEqual(['tz.range', 'airliner']);
    expect(rulesOf({ reasons: null })).toEqual([]);
  });
  it('point at the values they are about', () => {
    const row = { reasons: ['tz.range', 'airliner', 'rows', 'gone'] };
    expect(brokenBy(row, 'tz', checks)).toEqual(['tz.range']);
    expect(brokenBy(row, 'engine', checks)).toEqual(['airliner']);
    expect(brokenBy(row, 'lat', checks)).toEqual([]);
    expect(brokenBy({ reasons: ['airliner'] }, 'tz', checks)).toEqual([]);
  });
});
