// What came from what: one hop around a node, opened further by hand; one column's way; the path between two nodes.
import { NativeSelect } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { type ApiError, get, parts } from '@/api/client';
import { useGet } from '@/api/queries';
import type { GraphEdge, GraphNode } from '@/charts/graph';
import { useAddress } from '@/parts/address';
import { Card, Empty, NodeLink, PageFrame, Problem, State, Time } from '@/parts/basics';
import { Choose } from '@/parts/choose';
import { count, words } from '@/parts/format';
import { readNode } from '@/parts/nodes';
import { type Column, List } from '@/parts/table';
import { ColumnWay } from './lineage/column';
import { FindNode } from './lineage/find';
import { columnsOf, type LineageEdge, type LineageNode, labelOf, merge, type Part, unseen } from './lineage/shape';
import './lineage/lineage.css';

const Graph = lazy(() => import('@/charts/graph'));

const WAYS = [
  { value: 'both', label: 'Both ways' },
  { value: 'up', label: 'Made from' },
  { value: 'down', label: 'Went into' },
];
const HOP = 60;

function useNeighbourhoods(nodes: string[], direction: string) {
  return useQueries({
    queries: nodes.map((node) => ({
      queryKey: [`/neighbours/${node}`, { direction }],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        get<Part>(`/neighbours/${parts(node)}`, { direction, hops: 1, limit: HOP }, signal),
    })),
    combine: (asked) => ({
      part: merge(asked.map((each) => each.data)),
      start: asked[0]?.data,
      error: asked.find((each) => each.error)?.error as ApiError | undefined,
      busy: asked.some((each) => each.isPending),
    }),
  });
}

interface Row {
  node: LineageNode;
  ties: LineageEdge[];
  more: number; // neighbours that are not in the picture
}

const COLUMNS: Column<Row>[] = [
  {
    key: 'node',
    title: 'Node',
    cell: ({ node }) => (
      <NodeLink node={node.node}>
        <strong>{node.title}</strong>
      </NodeLink>
    ),
  },
  { key: 'kind', title: 'Kind', width: 150, cell: ({ node }) => words(node.kind) },
  {
    key: 'state',
    title: 'State',
    width: 170,
    cell: ({ node }) => (node.state ? <State of={node.state} /> : <span className="dim">–</span>),
  },
  {
    key: 'ties',
    title: 'Tied to',
    cell: ({ node, ties }) =>
      ties
        .slice(0, 3)
        .map((edge) => (edge.from === node.node ? `→ ${edge.to}` : `← ${edge.from}`))
        .join('   ') + (ties.length > 3 ? `   and ${ties.length - 3} more` : ''),
  },
  { key: 'up', title: 'Made from', width: 100, right: true, cell: ({ node }) => count(node.up) },
  { key: 'down', title: 'Went into', width: 100, right: true, cell: ({ node }) => count(node.down) },
  { key: 'at', title: 'Recorded', width: 130, cell: ({ node }) => <Time at={node.at} relative /> },
];

function Around({ node }: { node: string }) {
  const [address, change] = useAddress();
  const direction = address.direction ?? 'both';
  const opened = useMemo(
    () => (address.open ? address.open.split(',').map((each) => each.replaceAll('%2C', ',')) : []),
    [address.open],
  );
  const target = address.to;
  const { part, start, error, busy } = useNeighbourhoods([node, ...opened], direction);
  const path = useGet<Part & { direction: string }>('/paths', { from: node, to: target }, { enabled: Boolean(target) });
  const whole = useMemo(() => merge([part, path.data]), [part, path.data]);
  const column = address.column;
  const names = useMemo(() => columnsOf(node, whole.edges), [node, whole]);

  const [nodes, edges] = useMemo(() => {
    const onPath = new Set(path.data?.nodes.map((each) => each.node));
    const pathEdges = new Set(path.data?.edges.map((edge) => `${edge.from} ${edge.to}`));
    const drawn = whole.nodes.map((each): GraphNode => {
      const more = unseen(each, whole.edges);
      return {
        id: each.node,
        label: `${words(each.kind)} ${each.title}`,
        strong: each.node === node || onPath.has(each.node),
        faint: onPath.size > 0 && !onPath.has(each.node),
        body: (
          <>
            <div className="node-head">
              <span className="dim">{words(each.kind)}</span>
              {more > 0 && !opened.includes(each.node) && each.node !== node && (
                <span className="node-more" aria-hidden="true">
                  +{more}
                </span>
              )}
            </div>
            <NodeLink node={each.node}>
              <strong className="clip" style={{ display: 'block' }} title={each.node}>
                {each.title}
              </strong>
            </NodeLink>
            {each.state && <State of={each.state} />}
          </>
        ),
      };
    });
    const lines = whole.edges.map(
      (edge): GraphEdge => ({
        from: edge.from,
        to: edge.to,
        label: whole.edges.length < 25 ? labelOf(edge) : undefined,
        strong: pathEdges.has(`${edge.from} ${edge.to}`),
      }),
    );
    return [drawn, lines];
  }, [whole, path.data, node, opened]);

  const expand = (id: string) => change({ open: [...opened, id].map((each) => each.replaceAll(',', '%2C')).join(',') });
  const centre = (id: string) => change({ node: id, open: undefined, to: undefined, column: undefined }, true);
  const closed = (id: string) => id !== node && !opened.includes(id);

  const rows = useMemo(
    () =>
      whole.nodes.map((each) => ({
        node: each,
        ties: whole.edges.filter((edge) => edge.from === each.node || edge.to === each.node),
        more: unseen(each, whole.edges),
      })),
    [whole],
  );

  return (
    <div className="stack">
      <div className="row">
        <Choose
          label="Direction"
          value={direction}
          options={WAYS}
          onChange={(value) => change({ direction: value === 'both' ? undefined : value })}
        />
        {names.length > 0 && (
          <NativeSelect
            size="xs"
            aria-label="Column"
            data={[{ value: '', label: 'all columns' }, ...names]}
            value={column ?? ''}
            onChange={(event) => change({ column: event.currentTarget.value || undefined })}
          />
        )}
        {target ? (
          <button type="button" className="chip" onClick={() => change({ to: undefined })}>
            path to {target} <span aria-hidden="true">×</span>
            <span className="unseen">, take the path away</span>
          </button>
        ) : (
          <FindNode label="Path to" placeholder="path to another node …" choose={(to) => change({ to })} />
        )}
        {opened.length > 0 && (
          <button type="button" className="chip" onClick={() => change({ open: undefined })}>
            {opened.length} opened <span aria-hidden="true">×</span>
            <span className="unseen">, close them</span>
          </button>
        )}
      </div>
      {path.error && target && <Problem error={path.error} />}
      {path.data && (
        <p className="chart-note" style={{ margin: 0 }}>
          {path.data.nodes.length - 1} steps from {node} to {target}.
        </p>
      )}
      {column ? (
        <ColumnWay node={node} column={column} up={direction !== 'down'} />
      ) : error ? (
        <Problem error={error} />
      ) : busy && whole.nodes.length === 0 ? (
        <div className="flow" aria-busy="true" />
      ) : (
        <>
          <Suspense fallback={<div className="flow" aria-busy="true" />}>
            <Graph
              nodes={nodes}
              edges={edges}
              label={`What is around ${node}`}
              height={540}
              width={178}
              gap={54}
              onOpen={(id) => {
                const row = rows.find((each) => each.node.node === id);
                if (row && row.more > 0 && closed(id)) expand(id);
                else if (id !== node) centre(id);
              }}
            />
          </Suspense>
          {start?.cut && (
            <p className="chart-note" style={{ margin: 0 }}>
              {count(start.nodes.length)} of {count(start.total)} neighbours are shown; choose a direction for others.
            </p>
          )}
          <List<Row>
            label="The same as a list"
            columns={[
              ...COLUMNS,
              {
                key: 'more',
                title: 'Open here',
                width: 110,
                cell: (row) =>
                  row.more > 0 && closed(row.node.node) ? (
                    <button type="button" className="link" onClick={() => expand(row.node.node)}>
                      {row.more} more
                      <span className="unseen"> around {row.node.title}</span>
                    </button>
                  ) : (
                    <span className="dim">–</span>
                  ),
              },
            ]}
            rows={rows}
            total={rows.length}
            keyOf={(row) => row.node.node}
            height={420}
            onOpen={(row) => centre(row.node.node)}
          />
        </>
      )}
    </div>
  );
}

export function Lineage() {
  const [address, change] = useAddress();
  const node = address.node;
  const { kind } = readNode(node ?? '');
  return (
    <PageFrame
      title={node ? `Around ${node}` : 'Lineage'}
      subtitle={node ? `A ${words(kind)}, what it was made from and what it went into` : 'What came from what'}
      actions={
        <FindNode
          label="Node"
          placeholder="another node …"
          choose={(next) => change({ node: next, open: undefined, to: undefined, column: undefined }, true)}
        />
      }
    >
      {node ? (
        <Around key={node} node={node} />
      ) : (
        <Card>
          <Empty title="Choose a node" command="millrace lineage model:NAME@1">
            Everything has one: a dataset version, a stage’s run, a model version, a release, an alert. Search it above,
            or follow “Lineage” on any page. In the terminal:
          </Empty>
        </Card>
      )}
    </PageFrame>
  );
}
