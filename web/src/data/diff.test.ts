import { describe, expect, it } from 'vitest';
import { bars, type ColumnDiff, shares, told, tone } from './diff';

const column = (part: Partial<ColumnDiff>): ColumnDiff =>
  ({ column: 'temp', change: 'shift', psi: 0.4, js: 0.1, ...part }) as ColumnDiff;

describe('two versions of a dataset', () => {
  it('are told in words', () => {
    expect(told(column({ mean: { from: 55.3, to: 22.1 }, nulls: { from: 0.001, to: 0.12 } }))).toBe(
      'temp has moved: the mean is 22.1 instead of 55.3, 12.0 % instead of 0.1 % are missing',
    );
    expect(told(column({ change: 'added' }))).toBe('temp is new');
  });
  it('weigh what has moved', () => {
    expect(tone(column({}))).toBe('bad');
    expect(tone(column({ psi: 0.12 }))).toBe('warn');
    expect(tone(column({ change: 'none' }))).toBe('ok');
  });
  it('stand over the same bins', () => {
    expect(bars(column({ histogram: { edges: [0, 1], from: [1, 2, 3], to: [3, 2, 1] } }))?.labels).toEqual([
      'below 0',
      '0 to 1',
      'from 1',
    ]);
    expect(bars(column({ top: [{ value: 'a', from: 1, to: 2 }] }))).toEqual({ labels: ['a'], from: [1], to: [2] });
    expect(bars(column({}))).toBeNull();
    expect(shares([1, 3])).toEqual([0.25, 0.75]);
  });
});
