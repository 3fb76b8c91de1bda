import { describe, expect, it } from 'vitest';
import { change, compared, inWords } from './diff';
import { asks, byWeight, type ChangeRequest } from './types';

describe('two versions', () => {
  it('do not differ clearly where intervals overlap', () => {
    expect(compared({ value: 0.71, low: 0.7, high: 0.72 }, { value: 0.715, low: 0.705, high: 0.725 })).toBe(
      'no clear difference',
    );
    expect(compared({ value: 0.71, low: 0.7, high: 0.72 }, { value: 0.74, low: 0.73, high: 0.75 })).toBe('higher');
    expect(compared(0.5, 0.4)).toBe('lower');
    expect(compared(null, 0.4)).toBe('only now');
    expect(compared(null, undefined)).toBe('not known');
  });
  it('say what that rests on', () => {
    expect(inWords({ value: 0.71, low: 0.7, high: 0.72 }, { value: 0.74, low: 0.73, high: 0.75 })).toBe(
      'higher: the intervals are apart',
    );
    expect(inWords(0.11, 0.1)).toBe('lower, without an interval');
  });
  it('say by how much', () => {
    expect(change(0.5, 0.4)).toBe('−0.1');
    expect(change(undefined, 0.4)).toBe('–');
  });
});

describe('the registry', () => {
  it('lists the champion first', () => {
    const alias = (name: string) => ({ alias: name, version: 1, deployment: null });
    expect(byWeight([alias('b'), alias('a'), alias('champion')]).map((each) => each.alias)).toEqual([
      'champion',
      'a',
      'b',
    ]);
  });
  it('says what a request asks for', () => {
    const request = { kind: 'alias', place: 'champion', version: 2 } as ChangeRequest;
    expect(asks(request)).toBe('let “champion” stand for version 2');
    expect(asks({ ...request, version: null })).toBe('take the alias “champion” away');
  });
});
