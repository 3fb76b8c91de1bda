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

export interface FailingRule {
  rule: string;
  column: string | null;
  rows: number | null;
  value: number | null;
  limit: unknown;
  text: string;
}
export interface Source {
  dataset: string;
  kind: 'append' | 'snapshot' | null;
  event_time: string | null;
  in_project: boolean;
  contract: { id?: string; name?: string; version?: string; status?: string; digest: string } | null;
  versions: number;
  latest: DatasetVersion | null;
  verdicts: Verdict[]; // newest first
  failing_rules: FailingRule[];
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
  column: string;
  type: string;
  classification: string | null;
  description: string | null;
  masked: boolean;
  required: boolean;
  rows: number;
  nulls: number;
  null_rate: number | null;
  wrong_type: number;
  distinct: { value: number; exact: boolean; error: number } | null;
  min: number | string | null; // of texts: their length
  max: number | string | null;
  mean: number | null;
  deviation: number | null;
  quantiles: { shares: number[]; values: number[]; exact: boolean; error: number } | null;
  histogram: { edges: number[]; counts: number[] } | null; // one count more than edges: both ends are open
  top: { value: string; count: number }[] | null;
  true: number | null;
}
export interface ProfilePage {
  columns: ColumnProfile[];
  rows: number;
  next: string | null;
  total: number;
}

export interface Report {
  checks: Record<string, Check>;
  alerts: Finding[];
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
  contract ? [contract.name || contract.id, contract.version].filter(Boolean).join(' ') : '';
