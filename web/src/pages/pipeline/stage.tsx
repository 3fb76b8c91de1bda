// One stage: where it stands and why, what it takes and gives, its runs.
import { Switch } from '@mantine/core';
import { useState } from 'react';
import { part, post } from '@/api/client';
import { Card, Facts, IconButton, NodeLink, State, Time, To } from '@/parts/basics';
import { Decision } from '@/parts/dialogs';
import { bytes, localDay, seconds } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';
import { type Stage, stateWord } from './types';

interface StageRecord {
  node: string;
  key: string;
  run_id: string;
  job: string;
  state: string;
  outs: { path: string; size: number; digest: string; node: string }[];
  started_at: number | string;
  ended_at: number | string;
}

/** Records tell microseconds since the epoch; others ISO texts. */
const time = (at: number | string | null) => (typeof at === 'number' ? at / 1000 : at);
const length = (from: number | string, to: number | string) =>
  (Number(new Date(time(to) ?? 0)) - Number(new Date(time(from) ?? 0))) / 1000;

const recordsOf = (open: (job: string) => void): Column<StageRecord>[] => [
  { key: 'at', title: 'Ended', width: 200, cell: (row) => <Time at={time(row.ended_at)} /> },
  { key: 'took', title: 'Took', width: 120, right: true, cell: (row) => seconds(length(row.started_at, row.ended_at)) },
  { key: 'node', title: 'Record', cell: (row) => <NodeLink node={row.node} /> },
  {
    key: 'run',
    title: 'Run',
    width: 120,
    cell: (row) =>
      row.run_id ? (
        <To to={`/runs/${encodeURIComponent(row.run_id)}`}>{row.run_id.slice(0, 8)}</To>
      ) : (
        <span className="dim">–</span>
      ),
  },
  {
    key: 'log',
    title: 'Log',
    width: 70,
    cell: (row) =>
      row.job ? (
        <button type="button" className="link" onClick={() => open(row.job)}>
          log
        </button>
      ) : (
        <span className="dim">–</span>
      ),
  },
];

export function RunStages({ stage, started }: { stage?: string; started: (job: string) => void }) {
  return (
    <Decision
      text={stage ? 'Run' : 'Run what is stale'}
      title={stage ? `Run ${stage} and what it needs` : 'Run every stage whose inputs changed'}
      confirm="Run"
      needs="write"
      reason="none"
      variant={stage ? 'default' : 'filled'}
      work={() => post<{ id: string }>('/pipeline/runs', stage ? { stages: [stage] } : {})}
      done={(answer) => started((answer as { id: string }).id)}
    >
      <p>Stages whose inputs have not changed are reused, not run.</p>
    </Decision>
  );
}

function Verify({ stage, started }: { stage: string; started: (job: string) => void }) {
  const [sure, setSure] = useState(false);
  return (
    <Decision
      text="Verify"
      title={`Run ${stage} again and compare`}
      confirm="Verify"
      needs="write"
      reason="none"
      ready={sure}
      work={() => post<{ id: string }>('/pipeline/runs', { stages: [stage], verify: true })}
      done={(answer) => started((answer as { id: string }).id)}
    >
      <p>It runs again from the recorded inputs, and its outs are compared byte by byte with the recorded ones.</p>
      <Switch
        label="I know that it takes as long as the stage does"
        checked={sure}
        onChange={(event) => setSure(event.currentTarget.checked)}
      />
    </Decision>
  );
}

export function StageCard({ stage, open, close }: { stage: Stage; open: (job: string) => void; close: () => void }) {
  const { last } = stage;
  return (
    <Card
      title={stage.name}
      actions={
        <>
          <State of={stage.state}>{stateWord[stage.state]}</State>
          <RunStages stage={stage.name} started={open} />
          {last && <Verify stage={stage.name} started={open} />}
          <IconButton label="Close the stage" onClick={close}>
            ×
          </IconButton>
        </>
      }
    >
      {stage.problem && <p style={{ color: 'var(--bad)' }}>{stage.problem}</p>}
      {stage.why.length > 0 ? (
        <ul className="plain-list">
          {stage.why.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      ) : (
        <p className="dim" style={{ marginTop: 0 }}>
          {stage.state === 'fresh'
            ? 'Nothing that it stands on has changed since it ran.'
            : 'What changed cannot be told now.'}
        </p>
      )}
      <div className="grid two" style={{ marginTop: 12 }}>
        <Facts
          of={[
            ['Kind', stage.kind === 'sql' ? 'SQL' : 'a command'],
            [
              'Takes',
              stage.deps.length > 0
                ? stage.deps.map((dep) => (
                    <div key={`${dep.kind} ${dep.name}`}>
                      {dep.kind === 'dataset' ? (
                        <NodeLink node={`dataset:${dep.name}`}>{dep.name}</NodeLink>
                      ) : dep.kind === 'stage' ? (
                        <To to={`/pipeline?stage=${encodeURIComponent(dep.name)}`}>{dep.name}</To>
                      ) : (
                        <span className="mono">{dep.name}</span>
                      )}
                      {(dep.from || dep.to) && (
                        <span className="dim">
                          {' '}
                          {dep.from ? localDay(dep.from) : 'the beginning'} to {dep.to ? localDay(dep.to) : 'now'}
                        </span>
                      )}
                    </div>
                  ))
                : undefined,
            ],
            ['Gives', stage.outs.join(', ')],
            [
              'Parameters',
              Object.entries(stage.params ?? {})
                .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
                .join(', '),
            ],
          ]}
        />
        {last && (
          <Facts
            of={[
              ['Last ran', <Time key="at" at={last.ended_at} />],
              ['Took', seconds(last.seconds)],
              ['Reused', last.reused ? <Time key="re" at={last.reused_at} relative /> : 'not since'],
              ['Record', <NodeLink key="node" node={last.node} />],
              [
                'Run',
                last.run_id ? (
                  <To key="run" to={`/runs/${encodeURIComponent(last.run_id)}`}>
                    {last.run_id.slice(0, 12)}
                  </To>
                ) : undefined,
              ],
              ['Outs', last.outs.map((out) => `${out.path} (${bytes(out.size)})`).join(', ')],
            ]}
          />
        )}
      </div>
      <h3 className="small-head" style={{ marginTop: 14 }}>
        Finished runs
      </h3>
      <PagedList<StageRecord>
        label={`Finished runs of ${stage.name}`}
        path={`/pipeline/stages/${part(stage.name)}/records`}
        columns={recordsOf(open)}
        keyOf={(row) => row.node}
        height={260}
        rowHeight={32}
      />
    </Card>
  );
}
