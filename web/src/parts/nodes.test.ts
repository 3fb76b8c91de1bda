import { describe, expect, test } from 'vitest';
import { pathOfNode, readNode } from './nodes';

describe('nodes', () => {
  test('kind, name and version', () => {
    expect(readNode('model:late@3')).toEqual({ kind: 'model', name: 'late', version: '3' });
    expect(readNode('run:0123')).toEqual({ kind: 'run', name: '0123', version: '' });
    expect(readNode('source:weather@eu@2')).toEqual({ kind: 'source', name: 'weather@eu', version: '2' });
  });
  test('each has a page; names are escaped', () => {
    expect(pathOfNode('model:late@3')).toBe('/models/late/3');
    expect(pathOfNode('dataset:a/b@1')).toBe('/data/a%2Fb/1');
    expect(pathOfNode('release:late@4')).toBe('/deployments/late');
    expect(pathOfNode('prediction_window:late/all@2013-07-01')).toBe(
      '/lineage?node=prediction_window%3Alate%2Fall%402013-07-01',
    );
  });
});
