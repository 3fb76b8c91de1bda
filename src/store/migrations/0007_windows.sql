-- Labels that came back. A row never changes: another label of the same row of a prediction is a correction, with the next revision.
-- `batch` counts the calls that brought something new, so that a look knows which ones it has not seen.
CREATE TABLE labels (
  workspace     TEXT NOT NULL,
  deployment    TEXT NOT NULL,
  prediction_id TEXT NOT NULL,
  row_number    INTEGER NOT NULL,
  revision      INTEGER NOT NULL,
  label         INTEGER NOT NULL,
  event_time    INTEGER NOT NULL,
  recorded_at   INTEGER NOT NULL,
  batch         INTEGER NOT NULL,
  subject       TEXT NOT NULL,
  PRIMARY KEY (workspace, deployment, prediction_id, row_number, revision)
);
CREATE INDEX labels_batch ON labels (workspace, deployment, batch, prediction_id, row_number, revision);
CREATE INDEX labels_time ON labels (workspace, deployment, event_time, prediction_id, row_number, revision);

-- How far a deployment has come. event_now: event time, as a replay tells it; 0 = it lives in wall-clock time. looked_to: every look
-- that was due up to there is done. label_batch, label_time: labels up to both have been joined with their windows.
CREATE TABLE monitor_clock (
  workspace   TEXT NOT NULL,
  deployment  TEXT NOT NULL,
  event_now   INTEGER NOT NULL,
  looked_to   INTEGER NOT NULL,
  label_batch INTEGER NOT NULL,
  label_time  INTEGER NOT NULL,
  PRIMARY KEY (workspace, deployment)
);

-- What the sealed files of the prediction log hold, so that a window opens only the files it needs: the days of event time
-- (first_id and last_id bound the prediction ids of that day's rows).
CREATE TABLE monitor_files (
  workspace  TEXT NOT NULL,
  deployment TEXT NOT NULL,
  file       TEXT NOT NULL,
  PRIMARY KEY (workspace, deployment, file)
);
CREATE TABLE monitor_file_days (
  workspace  TEXT NOT NULL,
  deployment TEXT NOT NULL,
  day        INTEGER NOT NULL,
  file       TEXT NOT NULL,
  row_count  INTEGER NOT NULL,
  first_id   TEXT NOT NULL,
  last_id    TEXT NOT NULL,
  PRIMARY KEY (workspace, deployment, day, file)
);

-- Complete windows that late requests or labels fell into: they are looked at again.
CREATE TABLE monitor_due (
  workspace  TEXT NOT NULL,
  deployment TEXT NOT NULL,
  from_time  INTEGER NOT NULL,
  PRIMARY KEY (workspace, deployment, from_time)
);

-- Windows, every revision. `evidence` is what the summary was computed from, in whole numbers: the same evidence is the same window.
-- label_batch and label_time: labels up to both were counted.
CREATE TABLE monitor_windows (
  workspace   TEXT NOT NULL,
  deployment  TEXT NOT NULL,
  from_time   INTEGER NOT NULL,
  to_time     INTEGER NOT NULL,
  arm         TEXT NOT NULL,
  model       TEXT NOT NULL,
  version     INTEGER NOT NULL,
  revision    INTEGER NOT NULL,
  as_of       INTEGER NOT NULL,
  evidence    TEXT NOT NULL,
  label_batch INTEGER NOT NULL,
  label_time  INTEGER NOT NULL,
  summary     TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, deployment, from_time, to_time, arm, model, version, revision)
);

-- Profiles of what a model version was taught and how it scored held-out rows. `identity` covers the digests of both files and what
-- counts as missing; `digest` is the blob with the profile.
CREATE TABLE monitor_references (
  workspace   TEXT NOT NULL,
  model       TEXT NOT NULL,
  version     INTEGER NOT NULL,
  identity    TEXT NOT NULL,
  digest      TEXT NOT NULL,
  node        TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, model, version, identity)
);

-- Which node holds these bytes: a window finds the file its requests were replayed from.
CREATE INDEX nodes_digest ON nodes (workspace, digest) WHERE digest <> '';
