// One model: its versions, what its aliases stood for and when, and the requests that wait.
import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { part } from '@/api/client';
import { useGet } from '@/api/queries';
import { useGo } from '@/app/palette';
import { AsOf } from '@/models/asof';
import { GatesWord } from '@/models/parts';
import { Requests } from '@/models/requests';
import { byWeight, type ModelSummary, type Version } from '@/models/types';
import { useAddress, usePathNames } from '@/parts/address';
import { Empty, Interval, PageFrame, Stat, State, Time, To } from '@/parts/basics';
import { count, words } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';

/** The figure of a version that people ask for first: the first gate that measured one. */
function Figure({ version }: { version: Version }) {
  const gate = version.gates.find(
    (each) => each.value !== null && typeof each.value === 'object' && 'low' in each.value,
  );
  return gate ? (
    <>
      <span className="dim">{words(gate.kind)}</span> <Interval of={gate.value} />
    </>
  ) : (
    <span className="dim">–</span>
  );
}

export function Model() {
  const { model } = usePathNames();
  const [address, change] = useAddress();
  const go = useGo();
  const asked = useGet<{ items: ModelSummary[] }>('/models/summary', { q: model, limit: 100 });
  const summary = asked.data?.items.find((each) => each.model === model);
  const aliases = useMemo(() => byWeight(summary?.aliases ?? []), [summary]);
  const list = useGet<{ items: Version[] }>(`/models/${part(model)}/versions`, { limit: 500 });
  const numbers = useMemo(() => list.data?.items.map((each) => each.version) ?? [], [list.data]);
  const newest = useMemo(() => [...numbers].sort((a, b) => b - a).slice(0, 2), [numbers]);
  const names = useMemo(() => aliases.map((each) => each.alias), [aliases]);
  const from = address.from;
  const columns: Column<Version>[] = [
    {
      key: 'version',
      title: 'version',
      width: 80,
      cell: (version) => (
        <To to={`/models/${part(model)}/${version.version}`}>
          <strong>{version.version}</strong>
        </To>
      ),
    },
    {
      key: 'aliases',
      title: 'stands for',
      width: 130,
      cell: (version) =>
        aliases
          .filter((each) => each.version === version.version)
          .map((each) => (
            <State key={each.alias} of={each.alias} tone="ok">
              {each.alias}
            </State>
          )),
    },
    { key: 'state', title: 'state', width: 146, cell: (version) => <State of={version.state} /> },
    { key: 'gates', title: 'gates', width: 144, cell: (version) => <GatesWord version={version} /> },
    { key: 'figure', title: 'measured', width: 212, cell: (version) => <Figure version={version} /> },
    {
      key: 'approvals',
      title: 'approvals',
      width: 92,
      right: true,
      cell: (version) => count(version.approvals.filter((each) => each.holds).length),
    },
    { key: 'author', title: 'by', cell: (version) => version.author },
    { key: 'created', title: 'made', width: 120, cell: (version) => <Time at={version.created_at} relative /> },
    {
      key: 'diff',
      title: 'compare',
      width: 158,
      cell: (version) =>
        from === undefined ? (
          <Button size="compact-xs" variant="default" onClick={() => change({ from: String(version.version) })}>
            compare with …
          </Button>
        ) : from === String(version.version) ? (
          <Button size="compact-xs" variant="subtle" onClick={() => change({ from: undefined })}>
            not this
          </Button>
        ) : (
          <To to={`/models/${part(model)}/diff?from=${from}&to=${version.version}`}>
            {from} against {version.version}
          </To>
        ),
    },
  ];
  return (
    <PageFrame
      title={model}
      crumbs={[{ text: 'Models', to: '/models' }]}
      actions={
        newest.length === 2 && (
          <To to={`/models/${part(model)}/diff?from=${newest[1]}&to=${newest[0]}`}>Compare the two newest versions</To>
        )
      }
      subtitle={
        summary && (
          <>
            {count(summary.versions)} versions
            {summary.deployments.length > 0 && (
              <>
                , serves as{' '}
                {summary.deployments.map((each, index) => (
                  <span key={`${each.deployment} ${each.arm} ${each.version}`}>
                    {index > 0 && ', '}
                    <To to={`/deployments/${part(each.deployment)}`}>{each.deployment}</To> ({each.arm} {each.version})
                  </span>
                ))}
              </>
            )}
          </>
        )
      }
    >
      <div className="stack">
        {aliases.length > 0 && (
          <div className="grid small">
            {aliases.map((each) => (
              <Stat
                key={each.alias}
                label={each.alias}
                value={<To to={`/models/${part(model)}/${each.version}`}>version {each.version}</To>}
                note={each.deployment && `what ${each.deployment} answers with`}
              />
            ))}
          </div>
        )}
        <PagedList<Version>
          label={`Versions of ${model}`}
          path={`/models/${part(model)}/versions`}
          query={{ limit: 100 }}
          columns={columns}
          keyOf={(version) => version.node}
          onOpen={(version) => void go(`/models/${part(model)}/${version.version}`)}
          height={460}
          empty={
            <Empty title="No versions yet" command={`millrace model register ${model}`}>
              A version is made from the newest results of the model's stages.
            </Empty>
          }
        />
        <Requests model={model} />
        <AsOf model={model} aliases={names} versions={numbers} />
      </div>
    </PageFrame>
  );
}
