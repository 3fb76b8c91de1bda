// The way of one column: what it was made from, or what was made of it, step by step.
import { lazy, Suspense, useMemo } from 'react';
import { parts } from '@/api/client';
import { useGet } from '@/api/queries';
import type { GraphEdge, GraphNode } from '@/charts/graph';
import { Card, Empty, NodeLink, Shown, State } from '@/parts/basics';
import { type ColumnStep, howWord } from './shape';

const Graph = lazy(() => import('@/charts/graph'));

const idOf = (node: string, column: string) => `${node}\n${column}`;

function Picture({ node, column, steps, up }: { node: string; column: string; steps: ColumnStep[]; up: boolean }) {
  const [nodes, edges] = useMemo(() => {
    const places = new Map<string, { node: string; column: string }>();
    places.set(idOf(node, column), { node, column });
    for (const step of steps) {
      places.set(idOf(step.node, step.column), step);
      places.set(idOf(step.from.node, step.from.column), step.from);
    }
    const drawn: GraphNode[] = [...places].map(([id, place]) => ({
      id,
      label: `${place.column} of ${place.node}`,
      strong: id === idOf(node, column),
      body: (
        <>
          <strong className="clip" style={{ display: 'block' }}>
            {place.column === '*' ? 'the rows' : place.column}
          </strong>
          <NodeLink node={place.node}>
            <span className="clip" style={{ display: 'block' }}>
              {place.node}
            </span>
          </NodeLink>
        </>
      ),
    }));
    const lines: GraphEdge[] = steps.map((step) => {
      const here = idOf(step.node, step.column);
      const there = idOf(step.from.node, step.from.column);
      return {
        from: up ? here : there,
        to: up ? there : here,
        label: howWord(step.how),
        strong: step.type === 'DIRECT',
      };
    });
    return [drawn, lines];
  }, [node, column, steps, up]);
  return (
    <Suspense fallback={<div className="flow" aria-busy="true" />}>
      <Graph nodes={nodes} edges={edges} label={`The way of ${column}`} height={420} />
    </Suspense>
  );
}

export function ColumnWay({ node, column, up }: { node: string; column: string; up: boolean }) {
  const asked = useGet<{ steps: ColumnStep[]; cut: boolean }>(`/columns/${parts(node)}`, {
    column,
    direction: up ? 'upstream' : 'downstream',
  });
  return (
    <Shown of={asked}>
      {({ steps, cut }) =>
        steps.length === 0 ? (
          <Empty title={up ? `${column} comes from nothing that is known` : `Nothing was made of ${column}`}>
            {up ? 'Ask for what was made of it instead.' : 'Ask for what it was made from instead.'}
          </Empty>
        ) : (
          <div className="stack">
            <Picture node={node} column={column} steps={steps} up={up} />
            <Card title={up ? `What ${column} was made from` : `What breaks when ${column} changes`}>
              <div className="scroll-x" tabIndex={0} role="region" aria-label="Steps of the column">
                <table className="plain">
                  <thead>
                    <tr>
                      <th scope="col" className="right">
                        Steps
                      </th>
                      <th scope="col">Column</th>
                      <th scope="col">Of</th>
                      <th scope="col">How</th>
                      <th scope="col">{up ? 'Went into' : 'Made from'}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {steps.map((step) => (
                      <tr key={`${step.distance} ${step.node} ${step.column} ${step.from.node} ${step.from.column}`}>
                        <td className="right">{step.distance}</td>
                        <td>
                          <strong>{step.column === '*' ? 'the rows' : step.column}</strong>
                        </td>
                        <td>
                          <NodeLink node={step.node} />
                        </td>
                        <td>
                          <State of={howWord(step.how)} tone={step.type === 'DIRECT' ? 'ok' : 'quiet'} />
                        </td>
                        <td>
                          {step.from.column} of {step.from.node}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {cut && <p className="chart-note">There is more than is shown.</p>}
            </Card>
          </div>
        )
      }
    </Shown>
  );
}
