import type { Estimate } from '@/parts/basics';

export interface Counts {
  tp: number;
  fp: number;
  fn: number;
  tn: number;
}
export interface Month {
  month: string;
  arm: string;
  model: string;
  version: number;
  served: boolean;
  requests: number;
  labels: number;
  counts: Counts;
  total: Estimate;
  per_1000: Estimate & { n: number };
  gain: { total: Estimate; per_1000: Estimate };
  cost_per_1000: { compute: number | null; labels: number | null; total: number | null };
  mean_us: number | null;
}
export interface ImpactFacts {
  deployment: string;
  currency: string;
  outcomes: { true_positive: number; false_positive: number; false_negative: number; true_negative: number };
  prices: { cpu_hour: number; label: number };
  confidence: number;
  method: string;
  months: Month[];
  differences: {
    month: string;
    canary: number;
    stable: number;
    per_1000: Estimate;
    df: number | null;
    verdict: 'better' | 'worse' | 'unclear';
  }[];
  total: { labels: number; requests: number; counts?: Counts; value: Estimate; gain: Estimate; cost: number | null };
  lead_times: {
    release: string;
    number: number;
    step: string;
    model: string;
    version: number;
    newest_event: string | null;
    newest_recorded: string | null;
    event_seconds: number | null;
    recorded_seconds: number | null;
  }[];
  reactions: {
    alert: string;
    kind: string;
    subject: string;
    cause: string;
    cause_from: string | null;
    fired_at: string | null;
    resolved_at: string | null;
    detect_seconds: number | null;
    restore_seconds: number | null;
    open: boolean;
  }[];
}
