// Parts of the lineage graph put together: neighbourhoods that were opened, a path, and the way of one column.
export interface LineageNode {
  node: string;
  kind: string;
  title: string;
  state: string | null;
  up: number;
  down: number;
  at: string | null;
  hop?: number;
  attributes?: Record<string, unknown>;
}
export interface LineageEdge {
  from: string;
  to: string;
  kind: string;
  columns: string[];
}
export interface Part {
  nodes: LineageNode[];
  edges: LineageEdge[];
  total?: number;
  cut?: boolean;
}
export interface ColumnStep {
  node: string;
  column: string;
  from: { node: string; column: string };
  how: string;
  type: 'DIRECT' | 'INDIRECT';
  distance: number;
}

const keyOf = (edge: LineageEdge) => `${edge.from} ${edge.to} ${edge.kind}`;

/** Several neighbourhoods as one graph, each node and edge once, in the order in which they came. */
export function merge(parts: (Part | undefined)[]): Part {
  const nodes = new Map<string, LineageNode>();
  const edges = new Map<string, LineageEdge>();
  for (const part of parts) {
    for (const node of part?.nodes ?? []) if (!nodes.has(node.node)) nodes.set(node.node, node);
    for (const edge of part?.edges ?? []) if (!edges.has(keyOf(edge))) edges.set(keyOf(edge), edge);
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** How many neighbours of a node are not in the picture yet. */
export function unseen(node: LineageNode, edges: LineageEdge[]): number {
  const up = new Set(edges.filter((edge) => edge.to === node.node).map((edge) => edge.from)).size;
  const down = new Set(edges.filter((edge) => edge.from === node.node).map((edge) => edge.to)).size;
  return Math.max(0, node.up - up) + Math.max(0, node.down - down);
}

interface Use {
  column: string;
  to: string[];
}

function readUse(text: string): Use | null {
  try {
    const use = JSON.parse(text) as Partial<Use>;
    return typeof use === 'object' && use !== null
      ? { column: use.column ?? '*', to: Array.isArray(use.to) ? use.to : [] }
      : null;
  } catch {
    return { column: text, to: [] };
  }
}

/** Names of a node's columns, as far as its edges tell. */
export function columnsOf(node: string, edges: LineageEdge[]): string[] {
  const names = new Set<string>();
  for (const edge of edges)
    for (const text of edge.columns) {
      const use = readUse(text);
      if (!use) continue;
      if (edge.from === node) names.add(use.column);
      if (edge.to === node) for (const name of use.to) names.add(name);
    }
  names.delete('*');
  return [...names].sort();
}

/** "visib, temp and 3 more" of an edge that tells its columns. */
export function labelOf(edge: LineageEdge): string {
  const names = [
    ...new Set(edge.columns.map((text) => readUse(text)?.column ?? '').filter((name) => name && name !== '*')),
  ];
  if (names.length === 0) return edge.kind.replace(/_/g, ' ');
  return names.length <= 2 ? names.join(', ') : `${names.length} columns`;
}

const HOW: Record<string, string> = {
  direct: 'its value',
  made: 'handed on',
  condition: 'a condition',
  window: 'a window',
  filter: 'which rows',
  join: 'a join',
  group: 'a grouping',
  sort: 'an order',
  unused: 'not used',
  unknown: 'not known',
};
export const howWord = (how: string) => HOW[how] ?? how;
