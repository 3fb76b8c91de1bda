// One run, as the server writes it.
export interface Logged {
  key: string;
  value?: string;
  last?: number | null;
  min?: number | null;
  max?: number | null;
  step?: number;
  nan?: boolean;
}
export interface RunFacts {
  run_id: string;
  name: string;
  status: string;
  start_time: string | null;
  end_time: string | null;
  user: string;
  experiment_id: string;
  experiment: { experiment_id: string; name: string };
  lifecycle_stage: string;
  artifact_uri: string;
  node: string;
  parent: string | null;
  counts: { metrics: number; params: number; tags: number; datasets: number; models: number };
  metrics: { items: Logged[]; total: number };
  datasets: {
    name: string;
    digest: string;
    source_type: string;
    source: string;
    context: string | null;
    node: string | null;
  }[];
  versions: { model: string; version: number; node: string; state: string }[];
}
