// Requests to move a protected alias or stage, that wait for a voice.
import { part, post } from '@/api/client';
import { useGet } from '@/api/queries';
import { Card, NodeLink, Time } from '@/parts/basics';
import { Decision } from '@/parts/dialogs';

interface Asked {
  id: string;
  state: string;
  model: string;
  kind: 'alias' | 'stage';
  place: string;
  version: number | null;
  needs: { count: number; role: string };
  approvals: { subject: string }[];
  author: string;
  why: string;
  created_at: string;
  expires_at: string | null;
}

export function Requests() {
  const asked = useGet<{ items: Asked[] }>('/requests', { state: 'open' });
  const items = asked.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Card title="Requests that wait for a voice">
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Why</th>
            <th scope="col">By</th>
            <th scope="col">Voices</th>
            <th scope="col">Until</th>
            <th scope="col">
              <span className="unseen">Decide</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.id}>
              <td>
                {item.kind} <strong>{item.place}</strong> {item.version === null ? 'is taken away from ' : 'to '}
                <NodeLink node={item.version === null ? `model:${item.model}` : `model:${item.model}@${item.version}`}>
                  {item.version === null ? item.model : `${item.model}@${item.version}`}
                </NodeLink>
              </td>
              <td>{item.why}</td>
              <td>
                {item.author}, <Time at={item.created_at} relative />
              </td>
              <td className="number">
                {item.approvals.length} of {item.needs.count} ({item.needs.role})
              </td>
              <td>
                <Time at={item.expires_at} />
              </td>
              <td>
                <span className="row">
                  <Decision
                    text="Approve"
                    title={`Approve ${item.id}`}
                    needs="approve"
                    reason="optional"
                    work={(why) => post(`/requests/${part(item.id)}/approvals`, { why })}
                  />
                  <Decision
                    text="Reject"
                    title={`Reject ${item.id}`}
                    needs="approve"
                    work={(why) => post(`/requests/${part(item.id)}/rejection`, { why })}
                  />
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
