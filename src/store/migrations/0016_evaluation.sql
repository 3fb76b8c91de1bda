-- Datasets that language models and agents are evaluated with. Times are milliseconds. `fields` says which types the records' fields have,
-- as JSON; '' before the first record.
CREATE TABLE eval_datasets (
  workspace   TEXT NOT NULL,
  id          TEXT NOT NULL,
  name        TEXT NOT NULL,
  digest      TEXT NOT NULL,
  fields      TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  updated_by  TEXT NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE TABLE eval_dataset_tags (
  workspace  TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  key        TEXT NOT NULL,
  value      TEXT NOT NULL,
  PRIMARY KEY (workspace, dataset_id, key)
);
CREATE TABLE eval_dataset_experiments (
  workspace     TEXT NOT NULL,
  dataset_id    TEXT NOT NULL,
  experiment_id TEXT NOT NULL,
  PRIMARY KEY (workspace, dataset_id, experiment_id)
);
-- One record for each different input: `input_digest` is that of its canonical JSON. All but ids, names and times is JSON; '' = not given.
CREATE TABLE eval_records (
  workspace    TEXT NOT NULL,
  dataset_id   TEXT NOT NULL,
  id           TEXT NOT NULL,
  input_digest TEXT NOT NULL,
  inputs       TEXT NOT NULL,
  outputs      TEXT NOT NULL,
  expectations TEXT NOT NULL,
  tags         TEXT NOT NULL,
  source       TEXT NOT NULL,
  create_time  INTEGER NOT NULL,
  update_time  INTEGER NOT NULL,
  created_by   TEXT NOT NULL,
  updated_by   TEXT NOT NULL,
  PRIMARY KEY (workspace, dataset_id, id),
  UNIQUE (workspace, dataset_id, input_digest)
);
CREATE INDEX eval_records_order ON eval_records (workspace, dataset_id, create_time, id);
