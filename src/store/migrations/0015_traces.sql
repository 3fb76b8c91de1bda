-- Traces of language models and agents. Times are milliseconds, those of spans nanoseconds. A trace is `finalized` when its client has said
-- what it is as a whole; before, its spans do. A span's `usage` and
-- `cost` are objects of numbers, or '' where it says nothing of them; its `content` is opentelemetry.proto.trace.v1.Span as JSON.
CREATE TABLE llm_traces (
  workspace         TEXT NOT NULL,
  id                TEXT NOT NULL,
  experiment_id     TEXT NOT NULL,
  request_time      INTEGER NOT NULL,
  duration          INTEGER,
  state             TEXT NOT NULL,
  client_request_id TEXT,
  request_preview   TEXT,
  response_preview  TEXT,
  finalized         INTEGER NOT NULL,
  recorded_at       INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE INDEX llm_traces_recent ON llm_traces (workspace, experiment_id, request_time, id);
CREATE TABLE llm_trace_tags (
  workspace TEXT NOT NULL,
  trace_id  TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (workspace, trace_id, key)
);
CREATE TABLE llm_trace_metadata (
  workspace TEXT NOT NULL,
  trace_id  TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (workspace, trace_id, key)
);
CREATE TABLE llm_spans (
  workspace TEXT NOT NULL,
  trace_id  TEXT NOT NULL,
  id        TEXT NOT NULL,
  parent_id TEXT NOT NULL,
  name      TEXT NOT NULL,
  type      TEXT NOT NULL,
  status    TEXT NOT NULL,
  start_ns  INTEGER NOT NULL,
  end_ns    INTEGER NOT NULL,
  usage     TEXT NOT NULL,
  cost      TEXT NOT NULL,
  content   TEXT NOT NULL,
  PRIMARY KEY (workspace, trace_id, id)
);
-- kind: feedback, expectation, issue. `value` is what a search compares: the value's JSON, with `number` where it is one (NULL elsewhere).
CREATE TABLE llm_assessments (
  workspace   TEXT NOT NULL,
  trace_id    TEXT NOT NULL,
  id          TEXT NOT NULL,
  kind        TEXT NOT NULL,
  name        TEXT NOT NULL,
  content     TEXT NOT NULL,
  value       TEXT NOT NULL,
  number      DOUBLE PRECISION,
  span_id     TEXT NOT NULL,
  source_type TEXT NOT NULL,
  source_id   TEXT NOT NULL,
  rationale   TEXT NOT NULL,
  metadata    TEXT NOT NULL,
  overrides   TEXT NOT NULL,
  valid       INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL,
  PRIMARY KEY (workspace, trace_id, id)
);
-- Traces that a run was given besides its own, and prompt versions that a trace used.
CREATE TABLE llm_trace_runs (
  workspace TEXT NOT NULL,
  trace_id  TEXT NOT NULL,
  run_id    TEXT NOT NULL,
  PRIMARY KEY (workspace, trace_id, run_id)
);
CREATE TABLE llm_trace_prompts (
  workspace TEXT NOT NULL,
  trace_id  TEXT NOT NULL,
  prompt    TEXT NOT NULL,
  version   TEXT NOT NULL,
  PRIMARY KEY (workspace, trace_id, prompt, version)
);
