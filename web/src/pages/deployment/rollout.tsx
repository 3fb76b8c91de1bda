// How far the canary's rollout has come, what comes next, and why.

import { ApiError } from '@/api/client';
import { Card, Command, Empty, NodeLink, Problem, State, Time } from '@/parts/basics';
import { capital, count, percent } from '@/parts/format';
import { Guardrails } from './guardrails';
import type { Rollout } from './types';
import { rolloutState } from './words';

function Steps({ rollout }: { rollout: Rollout }) {
  const report = rollout.rollout;
  if (!report) return null;
  const now = report.steps.at(-1);
  const passed = (share: number) => now !== undefined && share < now.share - 1e-9;
  const is = (share: number) => now !== undefined && Math.abs(share - now.share) < 1e-9;
  const shares = [...new Set([...report.policy.steps, ...(now ? [now.share] : [])])].sort((a, b) => a - b);
  return (
    <ol className="steps-line" aria-label="Steps of the rollout">
      {shares.map((share) => (
        <li
          key={share}
          data-at={passed(share) ? 'past' : is(share) ? 'now' : 'later'}
          aria-current={is(share) ? 'step' : undefined}
        >
          {percent(share, 0)}
          {is(share) && now && ` · ${count(now.canary_requests)} of ${count(report.policy.min_rows)} requests`}
        </li>
      ))}
      <li data-at="later">{report.policy.promote === 'automatic' ? 'promotion' : 'promotion by a person'}</li>
    </ol>
  );
}

export function RolloutCard({
  deployment,
  rollout,
  policy,
}: {
  deployment: string;
  rollout: Rollout | null;
  policy: boolean;
}) {
  const decided = rollout?.decided;
  if (!rollout || (!rollout.rollout && !rollout.hold && !decided))
    return (
      <Card title="Rollout">
        <Empty title="No rollout under way">
          {policy
            ? 'The policy of the project file moves a canary on, or back, by evidence. Start one with “New release”, or here:'
            : 'A canary gets a share of the requests; a policy (deployments.NAME.rollout in the project file) moves it by evidence.'}
          <br />
          <br />
          <Command text={`millrace release canary ${deployment}`} />
        </Empty>
      </Card>
    );
  const [word, tone] = rolloutState(rollout.state);
  return (
    <Card title="Rollout" actions={<State of={word} tone={tone} />}>
      {rollout.problem && <Problem error={new ApiError(409, rollout.problem)} />}
      {rollout.hold && (
        <p>
          Held by {rollout.hold.subject}, <Time at={rollout.hold.at} relative />: “{rollout.hold.why}”
          {rollout.hold.rollback && ' It is not taken back either.'}
        </p>
      )}
      {rollout.rollout && (
        <>
          <p style={{ margin: 0 }}>
            <NodeLink node={rollout.rollout.canary} /> beside <NodeLink node={rollout.rollout.stable} />.{' '}
            {rollout.next && <strong>Next: {rollout.next}.</strong>}
          </p>
          <Steps rollout={rollout} />
          <Guardrails report={rollout.rollout} />
        </>
      )}
      {!rollout.rollout && decided && (
        <p>
          The policy decided last, <Time at={decided.created_at} relative />: {capital(decided.reason)}
        </p>
      )}
    </Card>
  );
}
