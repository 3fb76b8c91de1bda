// Roll back from any page: one click, a reason, one click.
import { part, post } from '@/api/client';
import type { Release } from '@/api/facts';
import { Decision } from './dialogs';
import { percent } from './format';

type Needed = Pick<Release, 'number' | 'stable' | 'canary'>;

export function RollBack({ deployment, release }: { deployment: string; release: Needed }) {
  const { stable, canary } = release;
  return (
    <Decision
      text="Roll back"
      title={`Roll back ${deployment}`}
      confirm="Roll back now"
      needs="approve"
      color="orange.9"
      work={(why) => post(`/deployments/${part(deployment)}/rollback`, { why, live: release.number })}
    >
      {canary ? (
        <p>
          The canary{' '}
          <strong>
            {canary.model}@{canary.version}
          </strong>{' '}
          ({percent(canary.share, 0)} of the traffic) ends. {stable.model}@{stable.version} answers everything.
        </p>
      ) : (
        <p>
          <strong>
            {stable.model}@{stable.version}
          </strong>{' '}
          ends. The version that answered before it takes its place, as a release of its own.
        </p>
      )}
    </Decision>
  );
}
