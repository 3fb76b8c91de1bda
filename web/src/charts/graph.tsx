// Graphs: laid out by dagre from left to right, drawn by React Flow, each node a link. A neighbourhood, never the whole.

import dagre from '@dagrejs/dagre';
import { useComputedColorScheme } from '@mantine/core';
import {
  Background,
  Controls,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { useElementSize } from '@mantine/hooks';
import { type ReactNode, useMemo } from 'react';

export interface GraphNode {
  id: string;
  body: ReactNode; // what the box shows
  label: string; // its name for screen readers
  strong?: boolean; // the one that the page is about, or on the highlighted path
  faint?: boolean;
}
export interface GraphEdge {
  from: string;
  to: string;
  label?: string;
  strong?: boolean;
}

const WIDTH = 210;
const HEIGHT = 64;
const LEAST = 200;
const MOST_ZOOM = 1.1;
const LEAST_ZOOM = 0.76; // at first: what can be pressed stays 24 px high

function Box({ data }: NodeProps<Node<{ node: GraphNode; width: number }>>) {
  const { node, width } = data;
  return (
    <div
      style={{
        width,
        height: HEIGHT,
        boxSizing: 'border-box',
        padding: '7px 10px',
        borderRadius: 9,
        border: node.strong ? '2px solid var(--link)' : '1px solid var(--line)',
        background: 'var(--card)',
        color: 'var(--text)',
        opacity: node.faint ? 0.45 : 1,
        fontSize: 12,
        overflow: 'hidden',
      }}
    >
      <Handle type="target" position={Position.Left} style={{ opacity: 0 }} />
      {node.body}
      <Handle type="source" position={Position.Right} style={{ opacity: 0 }} />
    </div>
  );
}
const TYPES = { box: Box };

export default function Graph({
  nodes,
  edges,
  height = 520,
  label,
  width = WIDTH,
  gap = 70,
  onOpen,
}: {
  nodes: GraphNode[];
  edges: GraphEdge[];
  height?: number; // at most
  label: string;
  width?: number; // of a box
  gap?: number; // between a box and the next
  onOpen?: (id: string) => void;
}) {
  const scheme = useComputedColorScheme('light');
  const { ref, width: room } = useElementSize();
  const laid = useMemo(() => {
    const graph = new dagre.graphlib.Graph();
    graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: gap });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const node of nodes) graph.setNode(node.id, { width, height: HEIGHT });
    const known = new Set(nodes.map((node) => node.id));
    const shown = edges.filter((edge) => known.has(edge.from) && known.has(edge.to));
    for (const edge of shown) graph.setEdge(edge.from, edge.to);
    dagre.layout(graph);
    const size = graph.graph();
    return {
      wide: size.width ?? 0,
      high: size.height ?? 0,
      nodes: nodes.map((node): Node<{ node: GraphNode; width: number }> => {
        const { x, y } = graph.node(node.id);
        return {
          id: node.id,
          type: 'box',
          position: { x: x - width / 2, y: y - HEIGHT / 2 },
          data: { node, width },
          ariaLabel: node.label,
          draggable: false,
          connectable: false,
        };
      }),
      edges: shown.map(
        (edge, index): Edge => ({
          id: `${index}:${edge.from}:${edge.to}`,
          source: edge.from,
          target: edge.to,
          label: edge.label,
          style: { stroke: edge.strong ? 'var(--link)' : 'var(--quiet)', strokeWidth: edge.strong ? 2.5 : 1.2 },
          markerEnd: { type: MarkerType.ArrowClosed, color: edge.strong ? 'var(--link)' : 'var(--quiet)' },
          ariaLabel: `${edge.from} to ${edge.to}`,
        }),
      ),
    };
  }, [nodes, edges, width, gap]);
  const zoom = Math.min(MOST_ZOOM, room > 0 && laid.wide > 0 ? (room * 0.86) / laid.wide : 1);
  const high = Math.min(height, Math.max(LEAST, laid.high * zoom * 1.3 + 60));
  return (
    <div ref={ref} className="flow" style={{ height: high }} role="region" aria-label={label}>
      <ReactFlow
        key={`${Math.round(high)} ${room > 0} ${nodes.map((node) => node.id).join('|')}`}
        nodes={laid.nodes}
        edges={laid.edges}
        nodeTypes={TYPES}
        colorMode={scheme}
        fitView
        fitViewOptions={{ maxZoom: MOST_ZOOM, minZoom: LEAST_ZOOM, padding: 0.12 }}
        minZoom={0.1}
        nodesFocusable
        edgesFocusable={false}
        proOptions={{ hideAttribution: true }}
        onNodeClick={(event, node) => !(event.target as HTMLElement).closest('a,button') && onOpen?.(node.id)}
      >
        <Background gap={22} color="var(--line)" />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}
