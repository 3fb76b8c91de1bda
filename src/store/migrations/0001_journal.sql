-- The journal: one line a state change; at once the audit chain and the outbox.
CREATE TABLE journal (
  sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace    TEXT NOT NULL,
  writer       TEXT NOT NULL,
  event_time   INTEGER NOT NULL,
  recorded_at  INTEGER NOT NULL,
  subject      TEXT NOT NULL,
  via          TEXT NOT NULL,
  request_id   TEXT NOT NULL,
  kind         TEXT NOT NULL,
  node         TEXT NOT NULL,
  before_digest TEXT NOT NULL,
  after_digest TEXT NOT NULL,
  why          TEXT NOT NULL,
  body         TEXT NOT NULL,
  previous     TEXT NOT NULL,
  hash         TEXT NOT NULL
);
CREATE INDEX journal_writer ON journal (writer, sequence);
CREATE INDEX journal_node ON journal (workspace, node, sequence);

-- The graph: nodes are named by text ids kind:name[@version]; edges are append-only.
CREATE TABLE nodes (
  workspace TEXT NOT NULL,
  id        TEXT NOT NULL,
  kind      TEXT NOT NULL,
  digest    TEXT NOT NULL,
  attributes TEXT NOT NULL,
  sequence  INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE TABLE edges (
  workspace TEXT NOT NULL,
  source    TEXT NOT NULL,
  target    TEXT NOT NULL,
  kind      TEXT NOT NULL,
  columns   TEXT NOT NULL,
  run       TEXT NOT NULL,
  sequence  INTEGER NOT NULL,
  PRIMARY KEY (workspace, source, target, kind, run)
);
CREATE INDEX edges_target ON edges (workspace, target);

CREATE TABLE tokens (
  workspace  TEXT NOT NULL,
  id         TEXT NOT NULL,
  digest     TEXT NOT NULL UNIQUE,
  subject    TEXT NOT NULL,
  roles      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  PRIMARY KEY (workspace, id)
);

-- Requests that carried an Idempotency-Key and changed something, so that a repeat has no second effect. status 0: no answer kept yet.
CREATE TABLE idempotency (
  workspace TEXT NOT NULL,
  subject   TEXT NOT NULL,
  key       TEXT NOT NULL,
  request_digest TEXT NOT NULL,
  request_id TEXT NOT NULL,
  status    INTEGER NOT NULL,
  body      TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, subject, key)
);

CREATE TABLE jobs (
  workspace   TEXT NOT NULL,
  id          TEXT NOT NULL,
  kind        TEXT NOT NULL,
  key         TEXT NOT NULL,
  state       TEXT NOT NULL,
  payload     TEXT NOT NULL,
  result      TEXT NOT NULL,
  error       TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  run_after   INTEGER NOT NULL,
  lease_owner TEXT NOT NULL,
  lease_until INTEGER NOT NULL,
  cancel      INTEGER NOT NULL,
  progress    TEXT NOT NULL,
  log_lines   INTEGER NOT NULL,
  log_bytes   INTEGER NOT NULL,
  subject     TEXT NOT NULL,
  roles       TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
-- One waiting or running job a key; a job that has ended leaves its key free.
CREATE UNIQUE INDEX jobs_key ON jobs (workspace, kind, key) WHERE key <> '' AND state IN ('waiting', 'running');
CREATE INDEX jobs_ready ON jobs (state, run_after, id);
CREATE INDEX jobs_newest ON jobs (workspace, created_at, id);
CREATE TABLE job_log (
  workspace TEXT NOT NULL,
  job       TEXT NOT NULL,
  line      INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  text      TEXT NOT NULL,
  PRIMARY KEY (workspace, job, line)
);
