import { describe, expect, it } from 'vitest';
import { change, compared, differs, same } from './diff';
import { aliasesOf, asks, type ChangeRequest } from './types';

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
  it('say by how much', () => {
    expect(change(0.5, 0.4)).toBe('−0.1');
    expect(change(undefined, 0.4)).toBe('–');
  });
  it('are compared whatever the order of keys', () => {
    expect(same({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(differs({ name: 'x', from: null, to: undefined })).toBe(false);
    expect(differs({ name: 'x', from: 1, to: 2 })).toBe(true);
  });
});

describe('the registry', () => {
  it('lists aliases by name', () => {
    expect(aliasesOf({ b: 2, a: 1 })).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(aliasesOf([{ alias: 'champion', version: 3 }])).toEqual([['champion', 3]]);
    expect(aliasesOf(null)).toEqual([]);
  });
  it('says what a request asks for', () => {
    const request = { kind: 'alias', place: 'champion', version: 2 } as ChangeRequest;
    expect(asks(request)).toBe('let “champion” stand for version 2');
    expect(asks({ ...request, version: null })).toBe('take the alias “champion” away');
  });
});
