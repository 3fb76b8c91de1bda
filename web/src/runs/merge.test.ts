import { describe, expect, it } from 'vitest';
import { type Answer, exactness, merge } from './merge';

const answer = (points: Answer['points'], exact = true, n = points.length): Answer => ({
  key: 'auc',
  n,
  shown: points.length,
  exact,
  points,
});

describe('series of many runs', () => {
  it('stand over one axis with holes', () => {
    const merged = merge(
      [
        {
          name: 'a',
          answer: answer([
            [0, 10, 1, 1, 1],
            [2, 30, 3, 3, 3],
          ]),
        },
        { name: 'b', answer: answer([[1, 20, 2, 4, 2.5]], false, 100) },
      ],
      'step',
    );
    expect(merged.x).toEqual([0, 1, 2]);
    expect(merged.lines[0]).toEqual({ name: 'a', span: true, values: [1, null, 3] });
    expect(merged.lines[1]).toEqual({
      name: 'b',
      span: true,
      values: [null, 2.5, null],
      low: [null, 2, null],
      high: [null, 4, null],
    });
  });
  it('say how exact they are', () => {
    expect(exactness([answer([[0, 0, 1, 1, 1]])])).toBe('all 1 points, exact');
    expect(exactness([answer([[0, 0, 1, 1, 1]], false, 5000)])).toMatch(/^1 of 5,000 points; extremes are kept/);
  });
});
