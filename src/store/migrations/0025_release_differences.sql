-- What a shadow made of the requests that others answered, of each ended window: `digest` is the blob with its sums. `revision` and
-- `requests` are those of the window that it was measured for; `row_count`: rows that both answered; `releases`: those that the shadow
-- listened in, a JSON list.
CREATE TABLE release_differences (
  workspace   TEXT NOT NULL,
  deployment  TEXT NOT NULL,
  model       TEXT NOT NULL,
  version     INTEGER NOT NULL,
  from_time   INTEGER NOT NULL,
  to_time     INTEGER NOT NULL,
  revision    INTEGER NOT NULL,
  requests    INTEGER NOT NULL,
  row_count   INTEGER NOT NULL,
  score       TEXT NOT NULL,
  releases    TEXT NOT NULL,
  digest      TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, deployment, model, version, from_time, to_time)
);
