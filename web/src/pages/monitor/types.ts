import type { AlertHeadline } from '@/api/facts';
import type { Estimate } from '@/parts/basics';

export interface FleetItem {
  deployment: string;
  model: string;
  stable: { model: string; version: number; node: string; since: string } | null;
  canary: { version: number; share: number } | null;
  state: 'ok' | 'warn' | 'page' | 'idle';
  why: string[];
  open_alerts: number;
  worst_alert: AlertHeadline | null;
  traffic: { answers: number; refused: number; errors: number; per_s: number | null };
  latency_ms: { p50: number; p95: number; p99: number } | null;
  performance: (Estimate & { metric: string; at: string; spark: (Estimate & { at: string })[] }) | null;
  drift: { worst_feature: string; psi: number | null; spark: { at: string; value: number | null }[] } | null;
  labels: { share: number | null; labels: number; answered: number } | null;
}

export interface SeriesPoint extends Estimate {
  from: string;
  to: string;
  n: number;
}

export interface Metric {
  metric: string;
  title: string;
  series: { arm: string; model: string; version: number; points: SeriesPoint[] }[];
  reference: (Estimate & { version: number }) | null;
  threshold: (Threshold & { below: boolean }) | null;
}

export interface Threshold {
  warn: number | null;
  page: number | null;
}

export interface PerformanceFacts {
  deployment: string;
  metrics: Metric[];
  markers: { at: string; kind: 'release' | 'retrain' | 'alert'; text: string; node: string; severity: string | null }[];
  calibration: {
    from: string;
    to: string;
    arm: string;
    version: number;
    bins: { rows: number; predicted: number; observed: Estimate & { n: number } }[];
  } | null;
  confusion: {
    from: string;
    to: string;
    arm: string;
    version: number;
    threshold: number;
    tp: number;
    fp: number;
    fn: number;
    tn: number;
  } | null;
  labels: { from: string; to: string; labels: number; answered: number; share: number | null }[];
  lag: { median_s: number; p90_s: number; n: number } | null;
}

export interface WindowHead {
  node: string;
  from: string;
  to: string;
  arm: string;
  model: string;
  version: number;
  requests: number;
}

export interface FeatureRow {
  feature: string;
  role: 'input' | 'score';
  type: 'number' | 'text';
  psi: (number | null)[];
  js: (number | null)[];
  nulls: (number | null)[];
  n: number[];
  importance: number | null;
  threshold: { psi: Threshold | null; js: Threshold | null; nulls: Threshold | null };
  alerts: number;
  open_alerts: number;
}

export interface FeaturesPage {
  windows: WindowHead[];
  features: FeatureRow[];
  next: string | null;
  total: number;
}

export interface FeatureReference {
  node: string;
  model: string;
  version: number;
  edges?: number[] | null;
  categories?: string[] | null;
  counts: number[];
  n: number;
  null_rate: number | null;
  mean: number | null;
}

export interface FeatureWindow {
  from: string;
  to: string;
  arm: string;
  model: string;
  version: number;
  requests: number;
  reference: number;
  counts: number[];
  n: number;
  nulls: number | null;
  mean: number | null;
  psi: number | null;
  js: number | null;
  effect: number | null;
  effect_kind: string;
}

export interface FeatureFacts {
  deployment: string;
  feature: string;
  role: 'input' | 'score';
  type: 'number' | 'text';
  edges: number[] | null;
  categories: string[] | null;
  reference: number;
  references: FeatureReference[];
  windows: FeatureWindow[];
  threshold: { psi: Threshold | null; js: Threshold | null; nulls: Threshold | null } | null;
  alerts: AlertHeadline[];
}

/** A stored window, as GET /deployments/{d}/windows tells it; only what these pages read. */
export interface StoredWindow {
  node: string;
  from: string;
  to: string;
  arm: string;
  version: number;
  summary: {
    requests: number;
    answered: number;
    refused: number;
    failed: number;
    latency_us: { p50: number; p95: number; p99: number; mean: number } | null;
  };
}
