-- Experiment tracking: experiments, runs and what they logged, and logged models. Times are milliseconds, as MLflow has them.
CREATE TABLE track_experiments (
  workspace         TEXT NOT NULL,
  id                TEXT NOT NULL,
  name              TEXT NOT NULL,
  artifact_location TEXT NOT NULL,
  lifecycle_stage   TEXT NOT NULL,
  creation_time     INTEGER NOT NULL,
  last_update_time  INTEGER NOT NULL,
  PRIMARY KEY (workspace, id),
  UNIQUE (workspace, name)
);
-- The last number given to an experiment; numbers are never reused.
CREATE TABLE track_counters (
  workspace TEXT NOT NULL,
  name      TEXT NOT NULL,
  value     INTEGER NOT NULL,
  PRIMARY KEY (workspace, name)
);
CREATE TABLE track_experiment_tags (
  workspace     TEXT NOT NULL,
  experiment_id TEXT NOT NULL,
  key           TEXT NOT NULL,
  value         TEXT NOT NULL,
  PRIMARY KEY (workspace, experiment_id, key)
);

CREATE TABLE track_runs (
  workspace       TEXT NOT NULL,
  id              TEXT NOT NULL,
  experiment_id   TEXT NOT NULL,
  name            TEXT NOT NULL,
  user_id         TEXT NOT NULL,
  status          TEXT NOT NULL,
  start_time      INTEGER NOT NULL,
  end_time        INTEGER,
  artifact_uri    TEXT NOT NULL,
  lifecycle_stage TEXT NOT NULL,
  recorded_at     INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE INDEX track_runs_recent ON track_runs (workspace, experiment_id, lifecycle_stage, start_time, id);
CREATE TABLE track_run_tags (
  workspace TEXT NOT NULL,
  run_id    TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (workspace, run_id, key)
);
CREATE TABLE track_params (
  workspace TEXT NOT NULL,
  run_id    TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (workspace, run_id, key)
);

-- Every point, in the order in which a history is read. NaN is value 0 with is_nan 1; infinities are the largest finite numbers.
CREATE TABLE track_metrics (
  workspace      TEXT NOT NULL,
  run_id         TEXT NOT NULL,
  key            TEXT NOT NULL,
  timestamp      INTEGER NOT NULL,
  step           INTEGER NOT NULL,
  value          DOUBLE PRECISION NOT NULL,
  is_nan         INTEGER NOT NULL,
  model_id       TEXT NOT NULL,
  dataset_name   TEXT NOT NULL,
  dataset_digest TEXT NOT NULL,
  PRIMARY KEY (workspace, run_id, key, timestamp, step, value, is_nan)
);
-- Of each key the point with the greatest (step, timestamp, value): what a run shows and what searches compare.
CREATE TABLE track_latest_metrics (
  workspace      TEXT NOT NULL,
  run_id         TEXT NOT NULL,
  key            TEXT NOT NULL,
  timestamp      INTEGER NOT NULL,
  step           INTEGER NOT NULL,
  value          DOUBLE PRECISION NOT NULL,
  is_nan         INTEGER NOT NULL,
  model_id       TEXT NOT NULL,
  dataset_name   TEXT NOT NULL,
  dataset_digest TEXT NOT NULL,
  PRIMARY KEY (workspace, run_id, key)
);
CREATE INDEX track_latest_metrics_value ON track_latest_metrics (workspace, key, value);

CREATE TABLE track_datasets (
  workspace     TEXT NOT NULL,
  experiment_id TEXT NOT NULL,
  name          TEXT NOT NULL,
  digest        TEXT NOT NULL,
  source_type   TEXT NOT NULL,
  source        TEXT NOT NULL,
  dataset_schema TEXT NOT NULL,
  profile       TEXT NOT NULL,
  node          TEXT NOT NULL,
  PRIMARY KEY (workspace, experiment_id, name, digest)
);
CREATE TABLE track_run_datasets (
  workspace TEXT NOT NULL,
  run_id    TEXT NOT NULL,
  name      TEXT NOT NULL,
  digest    TEXT NOT NULL,
  place     INTEGER NOT NULL,
  PRIMARY KEY (workspace, run_id, name, digest)
);
CREATE TABLE track_run_dataset_tags (
  workspace TEXT NOT NULL,
  run_id    TEXT NOT NULL,
  name      TEXT NOT NULL,
  digest    TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (workspace, run_id, name, digest, key)
);
-- direction: input, output
CREATE TABLE track_run_models (
  workspace TEXT NOT NULL,
  run_id    TEXT NOT NULL,
  direction TEXT NOT NULL,
  model_id  TEXT NOT NULL,
  step      INTEGER NOT NULL,
  PRIMARY KEY (workspace, run_id, direction, model_id)
);

CREATE TABLE track_models (
  workspace       TEXT NOT NULL,
  id              TEXT NOT NULL,
  experiment_id   TEXT NOT NULL,
  name            TEXT NOT NULL,
  artifact_uri    TEXT NOT NULL,
  status          TEXT NOT NULL,
  model_type      TEXT NOT NULL,
  source_run_id   TEXT NOT NULL,
  lifecycle_stage TEXT NOT NULL,
  creation_time   INTEGER NOT NULL,
  last_update_time INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE INDEX track_models_recent ON track_models (workspace, experiment_id, creation_time, id);
CREATE TABLE track_model_tags (
  workspace TEXT NOT NULL,
  model_id  TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (workspace, model_id, key)
);
CREATE TABLE track_model_params (
  workspace TEXT NOT NULL,
  model_id  TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (workspace, model_id, key)
);
CREATE TABLE track_model_metrics (
  workspace      TEXT NOT NULL,
  model_id       TEXT NOT NULL,
  key            TEXT NOT NULL,
  timestamp      INTEGER NOT NULL,
  step           INTEGER NOT NULL,
  run_id         TEXT NOT NULL,
  value          DOUBLE PRECISION NOT NULL,
  is_nan         INTEGER NOT NULL,
  dataset_name   TEXT NOT NULL,
  dataset_digest TEXT NOT NULL,
  PRIMARY KEY (workspace, model_id, key, timestamp, step, run_id)
);
