// What something was made from, and what was made of it: one step each way, each a link; the whole is the lineage page.
import { part, parts } from '@/api/client';
import { useGet } from '@/api/queries';
import { Card, NodeLink, Shown, State, Time, To } from './basics';
import { words } from './format';

interface Neighbour {
  node: string;
  kind: string;
  title?: string;
  state?: string | null;
  at?: string | null;
}
interface Neighbours {
  nodes: Neighbour[];
  edges: { from: string; to: string; kind: string }[];
  total?: number;
  cut?: boolean;
}

function Side({ of, answer, none }: { of: string; answer: Neighbours; none: string }) {
  const others = answer.nodes.filter((each) => each.node !== of);
  if (others.length === 0) return <p className="dim">{none}</p>;
  return (
    <>
      <ul className="bare">
        {others.map((each) => (
          <li key={each.node} className="row">
            <span className="dim" style={{ width: 110 }}>
              {words(each.kind)}
            </span>
            <NodeLink node={each.node}>{each.title || each.node}</NodeLink>
            {each.state && <State of={each.state} />}
            {each.at && (
              <span className="dim">
                <Time at={each.at} relative />
              </span>
            )}
          </li>
        ))}
      </ul>
      {answer.cut && <p className="chart-note">More stand in the lineage.</p>}
    </>
  );
}

export function Kin({ node, made = 'Made of it' }: { node: string; made?: string }) {
  const path = `/neighbours/${parts(node)}` as const;
  const up = useGet<Neighbours>(path, { direction: 'up', hops: 1, limit: 40 });
  const down = useGet<Neighbours>(path, { direction: 'down', hops: 1, limit: 40 });
  return (
    <Card title="Where it comes from" actions={<To to={`/lineage?node=${part(node)}`}>Open in lineage</To>}>
      {up.error?.status === 404 ? (
        <p className="dim">It stands alone: nothing in the lineage names it.</p>
      ) : (
        <>
          <h3 className="small-head">Made from</h3>
          <Shown of={up}>{(answer) => <Side of={node} answer={answer} none="Nothing is known." />}</Shown>
          <h3 className="small-head">{made}</h3>
          <Shown of={down}>{(answer) => <Side of={node} answer={answer} none="Nothing yet." />}</Shown>
        </>
      )}
    </Card>
  );
}
