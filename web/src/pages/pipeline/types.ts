export interface StageLast {
  node: string;
  key: string;
  run_id: string | null;
  job: string;
  state: string;
  outs: { path: string; digest: string; size: number }[];
  started_at: string | null;
  ended_at: string | null;
  seconds: number | null;
  reused: boolean;
  reused_at: string | null;
}
export interface Stage {
  name: string;
  kind: 'sql' | 'command';
  state: 'fresh' | 'stale' | 'never' | 'failed' | 'running';
  why: string[];
  problem: string | null;
  deps: { kind: 'dataset' | 'stage' | 'file'; name: string; from: string | null; to: string | null }[];
  outs: string[];
  params: Record<string, unknown>;
  last: StageLast | null;
}
export interface StageRun {
  id: string | number | null;
  job: string | null;
  stage: string;
  node: string;
  run_id: string | null;
  state: string;
  error: string | null;
  started_at: string;
  ended_at: string | null;
  seconds: number | null;
  reused: boolean;
}
export interface PipelineFacts {
  stages: Stage[];
  edges: { from: string; to: string; what: string }[];
  problem: string | null;
  runs: StageRun[];
}
export interface Job {
  id: string;
  kind: string;
  key: string;
  state: string;
  progress: unknown;
  result: unknown;
  attempts: number;
  subject: string;
  created_at: string;
  updated_at: string;
  error: string;
}

export const RUNNING = ['waiting', 'running', 'pending', 'queued'];
export const stateWord: Record<Stage['state'], string> = {
  fresh: 'up to date',
  stale: 'would run',
  never: 'never ran',
  failed: 'failed',
  running: 'running',
};
