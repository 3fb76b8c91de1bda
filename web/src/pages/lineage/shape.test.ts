import { describe, expect, it } from 'vitest';
import { columnsOf, type LineageEdge, type LineageNode, labelOf, merge, unseen } from './shape';

const node = (id: string, up = 0, down = 0): LineageNode => ({
  node: id,
  kind: 'dataset',
  title: id,
  state: null,
  up,
  down,
  at: null,
});
const edge = (from: string, to: string, columns: string[] = []): LineageEdge => ({ from, to, kind: 'used', columns });

describe('merge', () => {
  it('keeps each node and edge once', () => {
    const found = merge([
      { nodes: [node('a'), node('b')], edges: [edge('a', 'b')] },
      undefined,
      { nodes: [node('b'), node('c')], edges: [edge('a', 'b'), edge('b', 'c')] },
    ]);
    expect(found.nodes.map((each) => each.node)).toEqual(['a', 'b', 'c']);
    expect(found.edges).toHaveLength(2);
  });
});

describe('unseen', () => {
  it('counts neighbours that are not in the picture', () => {
    expect(unseen(node('b', 3, 1), [edge('a', 'b'), edge('b', 'c')])).toBe(2);
    expect(unseen(node('b', 1, 1), [edge('a', 'b'), edge('b', 'c')])).toBe(0);
  });
});

describe('columns', () => {
  const edges = [
    edge('dataset:w@1', 'stage:j@2', [
      '{"column":"visib","to":["visib","low"],"how":"direct"}',
      '{"column":"day","to":["*"],"how":"join"}',
    ]),
  ];
  it('are told by the edges of a node', () => {
    expect(columnsOf('dataset:w@1', edges)).toEqual(['day', 'visib']);
    expect(columnsOf('stage:j@2', edges)).toEqual(['low', 'visib']);
  });
  it('label an edge', () => {
    expect(labelOf(edges[0])).toBe('visib, day');
    expect(labelOf(edge('a', 'b'))).toBe('used');
  });
});
