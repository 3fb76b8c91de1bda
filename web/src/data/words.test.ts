import { describe, expect, it } from 'vitest';
import type { Check, ColumnProfile } from './types';
import { allowed, barsOf, failed, measured, ordered, said } from './words';

const check = (part: Partial<Check>): Check => ({
  kind: 'null_rate',
  columns: ['age'],
  unit: 'percent',
  on_fail: 'fail',
  severity: 'error',
  ok: false,
  value: 17,
  ...part,
});

describe('findings in plain words', () => {
  it('say what is missing and what was allowed', () => {
    const found = check({ limit: { mustBeLessThan: 10 } });
    expect(said('age_is_there', found)).toBe('17 % of age is missing');
    expect(allowed(found.limit, found.unit)).toBe('less than 10 %');
  });
  it('count rows', () => {
    expect(said('r', check({ kind: 'range', unit: 'rows', value: 3, rows: 3 }))).toBe(
      '3 rows have a value outside its range in age',
    );
    expect(said('r', check({ kind: 'required', unit: 'rows', value: 1, rows: 1 }))).toBe('1 row has no value in age');
  });
  it('know shares, hours and ranges', () => {
    expect(measured(0.0123, 'share')).toBe('1.23 %');
    expect(measured(2.5, 'h')).toBe('2.5 h');
    expect(measured(null, 'rows')).toBe('no value');
    expect(allowed({ between: [64, 75] }, 'rows per day')).toBe('from 64 to 75 rows per day');
    expect(allowed({ mustBe: 0 }, 'rows')).toBe('none');
    expect(allowed({ mustNotBeBetween: [1, 2] }, 'value')).toBe('outside 1 to 2');
  });
  it('say what was not checked', () => {
    expect(said('sql_rule', check({ skipped: 'no SQL here' }))).toBe('sql_rule was not checked: no SQL here');
  });
  it('stand in the order of their weight', () => {
    const checks = { a: check({ ok: true }), b: check({}), c: check({}), d: check({ ok: null }) };
    expect(ordered(checks, [{ rule: 'c' }, { rule: 'b' }]).map(([id]) => id)).toEqual(['c', 'b', 'd', 'a']);
  });
});

describe('rules that failed', () => {
  const rule = {
    rule: 'tz.range',
    column: 'tz',
    rows: 2,
    value: 2,
    limit: null,
    text: 'tz.range {"between":[0,0]}, found 2',
  };
  it('are told by their own words, or by their name', () => {
    expect(failed(rule)).toBe('2 rows break tz.range');
    expect(failed({ ...rule, rows: 41, text: 'Carriers fly turbines.' })).toBe('41 rows: Carriers fly turbines.');
  });
});

describe('profiles', () => {
  const column = { rows: 10, nulls: 2, wrong_type: 0 } as ColumnProfile;
  it('show the most frequent texts and all others', () => {
    expect(barsOf({ ...column, top: [{ value: 'a', count: 5 }] })).toEqual([
      { label: 'a', rows: 5 },
      { label: 'all others', rows: 3 },
    ]);
  });
  it('show bins with open ends', () => {
    expect(barsOf({ ...column, histogram: { edges: [0, 1], counts: [1, 4, 3] } }).map((bar) => bar.label)).toEqual([
      'below 0',
      '0 to 1',
      'from 1',
    ]);
  });
  it('count what is true', () => {
    expect(barsOf({ ...column, true: 3 }).map((bar) => bar.rows)).toEqual([5, 3]);
  });
});
