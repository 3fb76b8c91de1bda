import { describe, expect, it } from 'vitest';
import { differs, quoted, type Run, readChosen, readOrder, valueIn, writeChosen } from './columns';

const run = (values: Run['values']): Run => ({
  run_id: 'r',
  name: '',
  status: '',
  start_time: null,
  end_time: null,
  user: '',
  experiment_id: '0',
  values,
});

describe('columns of runs', () => {
  it('are written into the address and read again', () => {
    const text = 'metrics.val/auc~max,params.depth,tags.a~b';
    expect(readChosen(text)).toEqual([
      { column: 'metrics.val/auc', aggregate: 'max' },
      { column: 'params.depth', aggregate: 'last' },
      { column: 'tags.a~b', aggregate: 'last' },
    ]);
    expect(writeChosen(readChosen(text))).toBe(text);
    expect(readChosen(undefined)).toEqual([]);
  });
  it('show the aggregate that was chosen', () => {
    expect(valueIn({ last: 1, min: 0, max: 2 }, 'max')).toBe(2);
    expect(valueIn('7')).toBe('7');
    expect(valueIn(undefined)).toBeNull();
  });
  it('differ when one run has no value', () => {
    const column = { column: 'params.a', aggregate: 'last' as const };
    expect(differs([run({ 'params.a': '1' }), run({})], column)).toBe(true);
    expect(differs([run({ 'params.a': '1' }), run({ 'params.a': '1' })], column)).toBe(false);
  });
  it('are quoted for the grammar of filters', () => {
    expect(quoted('metrics.auc')).toBe('metrics.auc');
    expect(quoted('metrics.val/auc')).toBe('metrics.`val/auc`');
  });
  it('read an order', () => {
    expect(readOrder('metrics.auc DESC')).toEqual({ by: 'metrics.auc', down: true });
    expect(readOrder('start_time')).toEqual({ by: 'start_time', down: false });
    expect(readOrder('')).toBeUndefined();
  });
});
