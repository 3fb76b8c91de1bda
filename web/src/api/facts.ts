// What several pages read of alerts, releases and reviews; unknown fields are ignored.
import type { Estimate } from '@/parts/basics';

export interface ReleaseArm {
  model: string;
  version: number;
  digest?: string;
  node?: string;
}

export interface Release {
  node: string;
  deployment: string;
  number: number;
  step: string;
  stable: ReleaseArm;
  canary: (ReleaseArm & { share: number }) | null;
  shadows: ReleaseArm[];
  restores: number | null;
  reason: string;
  subject: string;
  created_at: string;
  event_time: string;
  evidence?: RolloutReport | null;
}

export interface Guardrail {
  guardrail: 'errors' | 'refusals' | 'latency' | 'prediction_shift' | 'loss' | 'value';
  tolerance?: number;
  quantile?: number;
  ratio?: number;
  threshold?: number;
  per_1000?: number; // value: what is tolerated
  currency?: string;
  e_value: number;
  log_e_value: number;
  safe_log_e_value: number;
  safe: boolean;
  alpha: number;
  compared: { canary: number; stable: number };
  canary: Estimate | null;
  stable: Estimate | null;
  difference: Estimate | null;
}

export interface RolloutReport {
  canary: string;
  stable: string;
  policy: { alpha: number; steps: number[]; min_rows: number; promote: 'automatic' | 'manual' };
  began_at: string;
  requests: { canary: number; stable: number };
  steps: { release: number; share: number; canary_requests: number }[];
  guardrails: Guardrail[];
  e_value: number;
  log_e_value: number;
  limit: number;
  verdict: 'harm' | 'safe' | 'not enough evidence';
  blamed: string | null;
  harm_at: string | null;
}

export interface AlertHeadline {
  id: string;
  node: string;
  deployment: string;
  kind: string;
  subject: string;
  arm: string;
  version: number;
  severity: string;
  state: string;
  title: string;
  at: string;
  value: number;
  limit: number;
}

export interface CauseEvidence {
  kind: string;
  text: string;
  value: number;
  limit: number;
  columns: string[];
  series?: { day: string; value: number }[];
}

export interface Candidate {
  rank: number;
  node: string;
  kind: string;
  dataset: string;
  version: number;
  columns: string[];
  change: string;
  score: number;
  path: string[];
  evidence: CauseEvidence[];
}

export interface Trace {
  verdict: 'cause' | 'natural_drift' | 'not_enough_evidence';
  summary: string;
  at: string;
  candidates: Candidate[];
  cause: { node: string; columns: string[]; change: string } | null;
  movement: CauseEvidence[];
}

export interface WindowColumn {
  column: string;
  role: 'input' | 'score';
  type: 'number' | 'text';
  psi: number | null;
  js: number | null;
  n: number;
  reference_n: number;
  null_rate: number | null;
  reference_null_rate: number | null;
  edges?: number[];
  categories?: string[];
  counts: number[];
  reference_counts: number[];
}

export interface AlertEvent {
  number: number;
  kind: string;
  event_time: string;
  recorded_at: string;
  subject: string;
  why: string;
}

export interface AlertFacts {
  id: string;
  short: string;
  node: string;
  deployment: string;
  kind: string;
  subject: string;
  arm: string;
  version: number;
  severity: string;
  state: string;
  from: string;
  to: string;
  first_from: string;
  pending_at: string | null;
  fired_at: string | null;
  acknowledged_at: string | null;
  resolved_at: string | null;
  value: number;
  limit: number;
  what: string;
  evidence: {
    metric?: string;
    direction?: 'above' | 'below';
    n?: number;
    interval?: { low: number; high: number } | null;
    effect?: number | null;
    effect_kind?: string;
    chance?: number | null;
    column?: WindowColumn;
    also?: string[];
  };
  trace: Trace | null;
  group: string | null;
  action: { kind: string; id: string | null; reason: string; at: string; target?: string } | null;
  owner: string;
  note: string;
  review: {
    id: string;
    node: string;
    state: string;
    by: string;
    decision: string;
    why: string;
    subjects: number;
  } | null;
  events?: AlertEvent[];
}

export interface ReviewFacts {
  id: string;
  node: string;
  kind: string;
  cause: string | null;
  summary: string;
  state: 'open' | 'closed';
  subjects: {
    node: string;
    summary: string;
    evidence: Record<string, unknown>;
    joined_at: string;
  }[];
  opened_at: string;
  recorded_at: string;
  decision: string | null;
  why: string | null;
  by: string | null;
  closed_at: string | null;
}
