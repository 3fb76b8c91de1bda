// The pipeline: which stages are up to date and which would run, and why; when they ran; the log of a job.
import { lazy, Suspense, useMemo } from 'react';
import { useGet } from '@/api/queries';
import type { GraphEdge, GraphNode } from '@/charts/graph';
import { useAddress } from '@/parts/address';
import { Card, Empty, PageFrame, Shown, Stat, State, Time } from '@/parts/basics';
import { count, seconds } from '@/parts/format';
import { readNode } from '@/parts/nodes';
import { Gantt } from './pipeline/gantt';
import { JobLog } from './pipeline/log';
import { RunStages, StageCard } from './pipeline/stage';
import { type PipelineFacts, type Stage, stateWord } from './pipeline/types';
import './pipeline/pipeline.css';
import './lineage/lineage.css';

const Graph = lazy(() => import('@/charts/graph'));

/** Where nothing is told: what a state says by itself. */
const quietWhy = (stage: Stage) =>
  stage.state === 'fresh' ? 'nothing that it stands on has changed' : 'what changed cannot be told now';

function Picture({
  facts,
  chosen,
  choose,
}: {
  facts: PipelineFacts;
  chosen?: string;
  choose: (stage: string) => void;
}) {
  const [nodes, edges] = useMemo(() => {
    const stages = new Map(facts.stages.map((stage) => [`stage:${stage.name}`, stage]));
    // Files beside the stages say little in a picture; each stage lists its own.
    const lines = facts.edges.filter((edge) => !edge.from.startsWith('file:'));
    const others = [...new Set(lines.flatMap((edge) => [edge.from, edge.to]).filter((id) => !stages.has(id)))];
    const drawn: GraphNode[] = [
      ...others.map((id): GraphNode => {
        const { name } = readNode(id);
        return {
          id,
          label: `dataset ${name}`,
          body: (
            <>
              <span className="dim node-head">data</span>
              <strong className="clip" style={{ display: 'block' }}>
                {name}
              </strong>
            </>
          ),
        };
      }),
      ...facts.stages.map(
        (stage): GraphNode => ({
          id: `stage:${stage.name}`,
          label: `stage ${stage.name}, ${stateWord[stage.state]}`,
          strong: stage.name === chosen,
          body: (
            <>
              <div className="node-head">
                <span className="dim">{stage.kind === 'sql' ? 'SQL' : 'command'}</span>
                <span className="dim number">{stage.last ? seconds(stage.last.seconds) : ''}</span>
              </div>
              <strong className="clip" style={{ display: 'block' }}>
                {stage.name}
              </strong>
              <State of={stage.state}>{stateWord[stage.state]}</State>
            </>
          ),
        }),
      ),
    ];
    return [drawn, lines.map((edge): GraphEdge => ({ from: edge.from, to: edge.to }))];
  }, [facts, chosen]);
  return (
    <Suspense fallback={<div className="flow" aria-busy="true" />}>
      <Graph
        nodes={nodes}
        edges={edges}
        label="Stages and what they need of each other"
        height={620}
        width={168}
        gap={38}
        onOpen={(id) => id.startsWith('stage:') && choose(readNode(id).name)}
      />
    </Suspense>
  );
}

function Table({ stages, choose }: { stages: Stage[]; choose: (stage: string) => void }) {
  return (
    <Card title="Stages, in their order">
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Stages">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">State</th>
              <th scope="col">Why</th>
              <th scope="col" className="right">
                Took
              </th>
              <th scope="col">Last ran</th>
            </tr>
          </thead>
          <tbody>
            {stages.map((stage) => (
              <tr key={stage.name}>
                <td>
                  <button type="button" className="link" onClick={() => choose(stage.name)}>
                    <strong>{stage.name}</strong>
                  </button>
                </td>
                <td>
                  <State of={stage.state}>{stateWord[stage.state]}</State>
                </td>
                <td>
                  {stage.problem ?? stage.why[0] ?? <span className="dim">{quietWhy(stage)}</span>}
                  {!stage.problem && stage.why.length > 1 && (
                    <span className="dim"> and {stage.why.length - 1} more</span>
                  )}
                </td>
                <td className="right">{seconds(stage.last?.seconds)}</td>
                <td style={{ whiteSpace: 'nowrap' }}>
                  <Time at={stage.last?.ended_at} relative />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

export function Pipeline() {
  const [address, change] = useAddress();
  const asked = useGet<PipelineFacts>('/pipeline', {}, { every: 15_000 });
  const openJob = (job: string) => change({ job });
  const choose = (stage: string) => change({ stage: stage === address.stage ? undefined : stage });
  return (
    <PageFrame
      title="Pipeline"
      subtitle="From data to model: what is up to date, what would run, and why"
      actions={<RunStages started={openJob} />}
    >
      <Shown of={asked}>
        {(facts) => {
          const of = (state: Stage['state']) => facts.stages.filter((stage) => stage.state === state).length;
          const chosen = facts.stages.find((stage) => stage.name === address.stage);
          if (facts.stages.length === 0)
            return (
              <Empty title="No stage yet" command="millrace run">
                Name stages under stages: in the project file; each takes datasets or outs of others and gives outs.
              </Empty>
            );
          return (
            <div className="stack">
              {facts.problem && <div className="problem">{facts.problem}</div>}
              <div className="grid small">
                <Stat label="Up to date" value={count(of('fresh'))} note={`of ${facts.stages.length} stages`} />
                <Stat
                  label="Would run"
                  value={count(of('stale') + of('never'))}
                  note="something changed, or never ran"
                />
                <Stat label="Failed" value={count(of('failed'))} />
                <Stat label="Running" value={count(of('running'))} />
              </div>
              {address.job && <JobLog key={address.job} id={address.job} close={() => change({ job: undefined })} />}
              <Picture facts={facts} chosen={address.stage} choose={choose} />
              {chosen && <StageCard stage={chosen} open={openJob} close={() => change({ stage: undefined })} />}
              <Table stages={facts.stages} choose={choose} />
              {facts.runs.length > 0 && (
                <Gantt
                  runs={facts.runs}
                  stages={facts.stages.map((stage) => stage.name)}
                  span={address.span ?? '0'}
                  setSpan={(span) => change({ span: span === '0' ? undefined : span })}
                />
              )}
            </div>
          );
        }}
      </Shown>
    </PageFrame>
  );
}
