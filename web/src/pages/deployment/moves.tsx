// What people may do with the arms of a deployment. The server refuses what the state does not allow, in its own words.
import { NativeSelect, NumberInput, Switch } from '@mantine/core';
import { useState } from 'react';
import { part, post } from '@/api/client';
import type { Release } from '@/api/facts';
import { useGet } from '@/api/queries';
import { Decision } from '@/parts/dialogs';
import { percent } from '@/parts/format';
import { RollBack } from '@/parts/rollback';
import type { Rollout } from './types';

interface MovesProps {
  deployment: string;
  release: Release | null;
  rollout: Rollout | null;
}

interface Version {
  version: number;
  state: string;
  created_at: string;
}

function NewRelease({ deployment, model, release }: { deployment: string; model: string; release: Release | null }) {
  const [arm, setArm] = useState('stable');
  const [version, setVersion] = useState('');
  const [share, setShare] = useState<number | string>(5);
  const versions = useGet<{ items: Version[] }>(`/models/${part(model)}/versions`);
  const known = [...(versions.data?.items ?? [])].sort((a, b) => b.version - a.version);
  return (
    <Decision
      text="New release"
      title={`New release of ${deployment}`}
      confirm="Release"
      needs="approve"
      ready={version !== '' && (arm !== 'canary' || Number(share) > 0)}
      work={(why) =>
        post(`/deployments/${part(deployment)}/releases`, {
          arm,
          version: Number(version),
          why,
          ...(arm === 'canary' ? { share: Number(share) / 100 } : {}),
          ...(release ? { live: release.number } : {}),
        })
      }
    >
      <NativeSelect
        label="Arm"
        description={
          arm === 'stable'
            ? 'Answers all requests that the canary does not.'
            : arm === 'canary'
              ? 'Answers its share of the requests, judged by the rollout policy.'
              : 'Sees every request and answers none.'
        }
        data={['stable', 'canary', 'shadow']}
        value={arm}
        onChange={(event) => setArm(event.currentTarget.value)}
      />
      <NativeSelect
        mt="sm"
        label={`Version of ${model}`}
        description={
          arm === 'shadow' ? 'A shadow needs passed gates.' : 'It must be approved; the server refuses others.'
        }
        data={[
          { value: '', label: 'choose …' },
          ...known.map((each) => ({ value: String(each.version), label: `${each.version} (${each.state})` })),
        ]}
        value={version}
        onChange={(event) => setVersion(event.currentTarget.value)}
        required
      />
      {arm === 'canary' && (
        <NumberInput
          mt="sm"
          label="Share of the requests"
          suffix=" %"
          min={0.1}
          max={99}
          decimalScale={1}
          value={share}
          onChange={setShare}
        />
      )}
    </Decision>
  );
}

function Hold({ deployment }: { deployment: string }) {
  const [rollback, setRollback] = useState(false);
  return (
    <Decision
      text="Hold"
      title={`Hold the rollout of ${deployment}`}
      needs="approve"
      work={(why) => post(`/deployments/${part(deployment)}/rollout/hold`, { why, rollback })}
    >
      <p>The policy no longer moves the canary on. It still takes it back when it does harm.</p>
      <Switch
        label="Do not take it back either"
        checked={rollback}
        onChange={(event) => setRollback(event.currentTarget.checked)}
      />
    </Decision>
  );
}

export function Moves({ deployment, model, release, rollout }: MovesProps & { model: string }) {
  const path = `/deployments/${part(deployment)}` as const;
  const canary = release?.canary;
  const shadows = release?.shadows ?? [];
  const live = release ? { live: release.number } : {};
  return (
    <>
      {release && <RollBack deployment={deployment} release={release} />}
      {release && (canary || shadows.length > 0) && (
        <Promote deployment={deployment} release={release} rollout={rollout} />
      )}
      {rollout?.hold ? (
        <Decision
          text="Resume"
          title={`Resume the rollout of ${deployment}`}
          needs="approve"
          work={(why) => post(`${path}/rollout/resume`, { why })}
        >
          <p>
            {rollout.hold.subject} holds it: “{rollout.hold.why}”. The policy goes on from where it stands.
          </p>
        </Decision>
      ) : (
        canary && <Hold deployment={deployment} />
      )}
      {(canary || shadows.length > 0) && (
        <Decision
          text={canary ? (shadows.length ? 'Stop canary and shadows' : 'Stop canary') : 'Stop shadows'}
          title={`End all but the stable arm of ${deployment}`}
          confirm="Stop"
          needs="approve"
          work={(why) => post(`${path}/stop`, { why, ...live })}
        >
          <p>
            {canary &&
              `The canary ${canary.model}@${canary.version} (${percent(canary.share, 0)} of the requests) ends. `}
            {shadows.length > 0 && `Shadows ${shadows.map((each) => `${each.model}@${each.version}`).join(', ')} end. `}
            The stable arm stays as it is.
          </p>
        </Decision>
      )}
      <NewRelease deployment={deployment} model={model} release={release} />
    </>
  );
}

function Promote({ deployment, release, rollout }: { deployment: string; release: Release; rollout: Rollout | null }) {
  const choices = [
    ...(release.canary ? [{ value: '', label: `the canary, ${release.canary.model}@${release.canary.version}` }] : []),
    ...release.shadows.map((each) => ({
      value: String(each.version),
      label: `the shadow ${each.model}@${each.version}`,
    })),
  ];
  const [chosen, setChosen] = useState(choices[0]?.value ?? '');
  const verdict = rollout?.rollout?.verdict;
  return (
    <Decision
      text="Promote"
      title={`Promote on ${deployment}`}
      needs="approve"
      work={(why) =>
        post(`/deployments/${part(deployment)}/promote`, {
          why,
          live: release.number,
          ...(chosen ? { version: Number(chosen) } : {}),
        })
      }
    >
      {choices.length > 1 ? (
        <NativeSelect
          label="What becomes the stable arm"
          data={choices}
          value={chosen}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
      ) : (
        <p>
          {choices[0]?.label} becomes the stable arm instead of {release.stable.model}@{release.stable.version}.
        </p>
      )}
      {verdict && chosen === '' && (
        <p>
          The evidence so far:{' '}
          <strong>
            {verdict === 'safe'
              ? 'every guardrail is shown to be kept'
              : verdict === 'harm'
                ? 'it does harm'
                : 'not enough to decide'}
          </strong>
          .
        </p>
      )}
    </Decision>
  );
}
