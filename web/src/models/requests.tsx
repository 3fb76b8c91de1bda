// Requests to move what is protected: what is asked for, by whom, what it covers, and the decision.
import { part, post } from '@/api/client';
import { useGet } from '@/api/queries';
import { useSession } from '@/api/session';
import { Card, Shown, State, Time, To } from '@/parts/basics';
import { Decision } from '@/parts/dialogs';
import { count } from '@/parts/format';
import { Approvals, Digests } from './parts';
import { asks, type ChangeRequest, stood } from './types';

function One({ request }: { request: ChangeRequest }) {
  const open = request.state === 'open';
  const own = useSession().subject === request.author;
  const given = request.approvals.filter((each) => each.holds).length;
  const path = `/requests/${part(request.id)}` as const;
  return (
    <li>
      <div className="row" style={{ justifyContent: 'space-between' }}>
        <span className="row">
          <State of={request.state} />
          <strong>{request.id}</strong>
          <span>
            {request.author} asks to {asks(request)}
          </span>
          {request.version !== null && (
            <To to={`/models/${part(request.model)}/${request.version}`}>version {request.version}</To>
          )}
        </span>
        {open && (
          <span className="row">
            <Decision
              size="compact-sm"
              text="Approve"
              variant="filled"
              title={`Approve ${request.id}`}
              needs="approve"
              work={(why) => post(`${path}/approvals`, { why })}
            >
              <p>
                You approve to {asks(request)}, for exactly these digests. {count(request.needs.count - given)} more{' '}
                {request.needs.count - given === 1 ? 'approval is' : 'approvals are'} needed; the last one carries it
                out.
              </p>
              <Digests of={request.digests} />
            </Decision>
            <Decision
              size="compact-sm"
              text="Reject"
              title={`Reject ${request.id}`}
              needs="approve"
              color="red"
              work={(why) => post(`${path}/rejection`, { why })}
            >
              <p>Nothing moves. {request.author} sees the reason.</p>
            </Decision>
            {own && (
              <Decision
                size="compact-sm"
                text="Take back"
                title={`Take ${request.id} back`}
                needs="read"
                work={(why) => post(`${path}/withdrawal`, { why })}
              >
                <p>Nothing moves, and nobody is asked any more.</p>
              </Decision>
            )}
          </span>
        )}
      </div>
      <p>
        {request.why && <>“{request.why}”. </>}
        {stood(request) && <>Before: {stood(request)}. </>}
        <span className="dim">
          {given} of {request.needs.count} approvals by the role {request.needs.role}, asked{' '}
          <Time at={request.created_at} relative />
          {open && request.expires_at && (
            <>
              , ends <Time at={request.expires_at} />
            </>
          )}
          {request.closed_at && (
            <>
              , closed <Time at={request.closed_at} relative /> by {request.closed_by}
              {request.closed_why && `: ${request.closed_why}`}
            </>
          )}
        </span>
      </p>
      {open && (
        <details>
          <summary>What it covers</summary>
          <Digests of={request.digests} />
        </details>
      )}
      {request.approvals.length > 0 && <Approvals of={request.approvals} none="" />}
    </li>
  );
}

export function Requests({ model }: { model: string }) {
  const asked = useGet<{ items: ChangeRequest[] }>('/requests', { model });
  return (
    <Card title="Requests to move protected aliases and stages">
      <Shown of={asked}>
        {({ items }) => {
          const open = items.filter((each) => each.state === 'open');
          const closed = items.filter((each) => each.state !== 'open');
          return (
            <>
              {open.length === 0 && <p className="dim">Nothing waits for a decision.</p>}
              <ul className="bare">
                {open.map((each) => (
                  <One key={each.id} request={each} />
                ))}
              </ul>
              {closed.length > 0 && (
                <details>
                  <summary>{count(closed.length)} closed</summary>
                  <ul className="bare">
                    {closed.slice(0, 50).map((each) => (
                      <One key={each.id} request={each} />
                    ))}
                  </ul>
                </details>
              )}
            </>
          );
        }}
      </Shown>
    </Card>
  );
}
