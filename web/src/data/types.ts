// What the server says of datasets: versions, findings of their contract, profiles of their columns.
export interface DatasetVersion {
  node: string;
  dataset: string;
  version: number;
  digest: string;
  file: string;
  quarantine_file: string;
  contract_digest: string;
  profile_digest: string;
  verdict: 'accepted' | 'quarantined' | 'rejected';
  rows: number;
  accepted: number;
  quarantined: number;
  recorded_at: string;
  from?: string;
  to?: string;
  period?: string;
}

export interface Verdict {
  version: number;
  verdict: string;
  at: string;
  rows: number;
  quarantined: number;
}

export interface Source {
  dataset: string;
  contract: string | { id?: string; file?: string; version?: string } | null;
  versions: number;
  latest: DatasetVersion | null;
  verdicts: Verdict[];
  failing_rules: (string | { rule: string })[];
}

export type Limit = Record<string, number | [number, number]>;

export interface Check {
  kind: string;
  columns: string[];
  unit: string;
  on_fail: string;
  severity: string;
  ok: boolean | null;
  value: number | null;
  limit?: Limit;
  skipped?: string;
  rows?: number;
  of?: number;
  effect?: number;
  p_value?: number;
  interval?: [number, number];
  note?: string;
  dimension?: string;
  description?: string;
  name?: string;
  slices?: { slice: Record<string, unknown>; ok: boolean; value: number | null; rows?: number }[];
}

export interface Finding {
  rule: string;
  score: number;
  slice: Record<string, unknown> | null;
  examples?: unknown[];
  evidence?: unknown;
}

export interface ColumnProfile {
  type: string;
  count: number;
  nulls: number;
  wrong_type: number;
  masked?: boolean;
  distinct?: { value: number; estimate: boolean; error: number };
  nan?: number;
  infinite?: number;
  minimum?: number | string;
  maximum?: number | string;
  minimum_length?: number;
  maximum_length?: number;
  sum?: number;
  sum_of_squares?: number;
  true?: number;
  histogram?: { edges: number[]; counts: number[] };
  quantiles?: { shares: number[]; values: number[]; error: number };
  top?: { value: string; count: number }[];
}

export interface Report {
  checks: Record<string, Check>;
  alerts: Finding[];
  profile: { rows: number; columns: Record<string, ColumnProfile> };
  rows: number;
  accepted: number;
  quarantined: number;
  dropped: number;
  verdict: string;
  engine: string;
  object: string;
  contract: { id: string; version: string; digest: string };
  reason?: string;
}

export type VersionWithFindings = DatasetVersion & { findings: Report };

export const toneOf = (verdict: string) =>
  verdict === 'accepted' ? 'ok' : verdict === 'quarantined' ? 'warn' : verdict === 'rejected' ? 'bad' : 'quiet';

export const periodOf = (version: { from?: string; to?: string; period?: string }) =>
  version.period ?? (version.from && version.to ? `${version.from.slice(0, 10)} to ${version.to.slice(0, 10)}` : '');

export const contractName = (contract: Source['contract']) =>
  contract === null ? '' : typeof contract === 'string' ? contract : (contract.file ?? contract.id ?? '');

export const ruleName = (rule: string | { rule: string }) => (typeof rule === 'string' ? rule : rule.rule);
