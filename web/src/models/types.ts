// What the registry says, as the server writes it.
import type { Estimate } from '@/parts/basics';

export interface GateValue extends Estimate {
  level?: number;
  n?: number;
  limit?: number;
  group?: string;
}
export interface Gate {
  kind: string;
  parameters: Record<string, unknown>;
  ok: boolean;
  value: GateValue | number | null;
  reason: string;
}
export interface Approval {
  subject: string;
  at: string;
  why: string;
  covers?: string;
  holds: boolean;
}
export type DigestName = 'model' | 'data' | 'code' | 'environment' | 'contract' | 'report';
export interface Version {
  node: string;
  model: string;
  version: number;
  state: string;
  run_id: string;
  stage: string;
  author: string;
  digests: Record<DigestName, string>;
  gates: Gate[];
  approvals: Approval[];
  source: string;
  content: string;
  mlflow_stage: string;
  created_at: string;
}

export interface AliasMove {
  number: number;
  version: number | null;
  restores: number | null;
  subject: string;
  via: string;
  why: string;
  request: string;
  release: string;
  at: string;
}

export interface ChangeRequest {
  id: string;
  state: string;
  model: string;
  kind: string; // alias or stage
  place: string;
  version: number | null;
  archive_existing: boolean;
  before: Record<string, unknown>;
  digests: Partial<Record<DigestName, string>>;
  needs: { count: number; role: string };
  approvals: Approval[];
  author: string;
  via: string;
  why: string;
  created_at: string | null;
  expires_at: string | null;
  closed_by: string;
  closed_why: string;
  closed_at: string | null;
}

export interface Alias {
  alias: string;
  version: number;
  deployment: string | null; // whose stable arm it is
}
export interface ModelSummary {
  model: string;
  description: string;
  versions: number;
  latest: Pick<Version, 'version' | 'node' | 'state' | 'stage' | 'author' | 'run_id' | 'created_at'> | null;
  champion: number | null;
  aliases: Alias[];
  deployments: { deployment: string; arm: string; version: number }[];
  open_requests: number;
  updated_at: string | null;
}

/** Champion first, then by name. */
export const byWeight = (aliases: Alias[]) =>
  [...aliases].sort(
    (a, b) => Number(b.alias === 'champion') - Number(a.alias === 'champion') || a.alias.localeCompare(b.alias),
  );

/** What a request asks for, in plain words. */
export function asks(request: ChangeRequest): string {
  const { kind, place, version } = request;
  if (kind === 'alias')
    return version === null ? `take the alias “${place}” away` : `let “${place}” stand for version ${version}`;
  return `move version ${version} ${place === 'None' ? 'out of its stage' : `into the stage “${place}”`}`;
}

/** Where it stands now, in plain words. */
export function stood(request: ChangeRequest): string {
  const before = request.before;
  if (request.kind === 'alias') {
    const version = before.version as number | undefined;
    return version ? `it stands for version ${version}` : 'it stands for nothing';
  }
  return before.stage ? `the version stands in ${before.stage}` : '';
}

export const passed = (version: Version) => version.gates.filter((gate) => gate.ok).length;
