import type { AlertHeadline, Release, RolloutReport } from '@/api/facts';
import type { Estimate } from '@/parts/basics';

export interface DeploymentItem {
  deployment: string;
  model: string;
  spec: {
    unit: string;
    guard: string;
    alias: string;
    isolation: string;
    canary_share: number;
    rollout: boolean;
  } | null;
  release: Release | null;
  ready: boolean;
  problem: string | null;
  open_alerts: number;
  worst_alert: AlertHeadline | null;
}

export interface LiveArm {
  arm: 'stable' | 'canary' | 'shadow';
  model: string;
  version: number;
  node: string;
  share: number;
  answers: number;
  refused: number;
  errors: number;
  per_s: number | null;
  latency_ms: { p50: number; p95: number; p99: number } | null;
  latency_histogram: { edges: number[]; counts: number[] } | null;
  score_mean: Estimate | null;
  positive_share: Estimate | null;
  scores: number;
}

export interface Rollout {
  state: 'none' | 'gathering' | 'doubt' | 'held' | 'out' | 'ready';
  next: string | null;
  problem: string | null;
  hold: { rollback: boolean; why: string; subject: string; at: string } | null;
  rollout: RolloutReport | null;
  live: Release | null;
  decided: Release | null;
}

export interface Live {
  deployment: string;
  release: Release | number | null;
  at: string;
  per_s: number | null;
  arms: LiveArm[];
  rollout: Rollout | null;
}

export interface Difference {
  rows: number;
  mean: number;
  mean_abs: number;
  max_abs: number;
  quantiles: { p50: number; p90: number; p99: number };
  histogram: { edges: number[]; counts: number[] };
  flips: number;
  flip_rate: Estimate | null;
  to_positive: number;
  to_negative: number;
  answered: { both: number; only_stable: number; only_shadow: number };
  shadow: string;
  score: string;
  thresholds: { shadow: number; stable: number };
  segments: {
    column: string;
    value: string | null;
    rows: number;
    mean_abs: number;
    mean: number;
    flips: number;
    flip_rate: Estimate | null;
  }[];
}
