-- Registered models that clients make, rename and delete. `last_version` only grows, also through deletion: a number names one version for ever.
CREATE TABLE registered_models (
  workspace    TEXT NOT NULL,
  name         TEXT NOT NULL,
  description  TEXT NOT NULL,
  author       TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  last_version INTEGER NOT NULL,
  deleted_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace, name)
);
INSERT INTO registered_models (workspace, name, description, author, created_at, updated_at, last_version, deleted_at)
  SELECT workspace, model, '', min(author), min(created_at), max(created_at), max(version), 0 FROM model_versions GROUP BY workspace, model;
CREATE TABLE model_tags (
  workspace TEXT NOT NULL,
  model     TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (workspace, model, key)
);
CREATE TABLE model_version_tags (
  workspace TEXT NOT NULL,
  model     TEXT NOT NULL,
  version   INTEGER NOT NULL,
  key       TEXT NOT NULL,
  value     TEXT NOT NULL,
  PRIMARY KEY (workspace, model, version, key)
);

-- What clients see of a version and may change, beside what it stands on, which never changes. `source` is what the client named ('' = made by
-- the pipeline), `storage` where its files are, `content` the digest of the manifest of these files ('' = they are not kept here).
ALTER TABLE model_versions ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE model_versions ADD COLUMN storage TEXT NOT NULL DEFAULT '';
ALTER TABLE model_versions ADD COLUMN content TEXT NOT NULL DEFAULT '';
ALTER TABLE model_versions ADD COLUMN model_id TEXT NOT NULL DEFAULT '';
ALTER TABLE model_versions ADD COLUMN run_link TEXT NOT NULL DEFAULT '';
ALTER TABLE model_versions ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE model_versions ADD COLUMN stage TEXT NOT NULL DEFAULT 'None';
ALTER TABLE model_versions ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE model_versions ADD COLUMN deleted_at INTEGER NOT NULL DEFAULT 0;
UPDATE model_versions SET updated_at = created_at;
CREATE INDEX model_versions_run ON model_versions (workspace, run_id);

-- Every move of an alias or a stage, never overwritten. `version` 0: the alias was deleted. `restores` is the move that a rollback went back to, or 0.
CREATE TABLE model_alias_moves (
  workspace TEXT NOT NULL,
  model     TEXT NOT NULL,
  alias     TEXT NOT NULL,
  number    INTEGER NOT NULL,
  version   INTEGER NOT NULL,
  restores  INTEGER NOT NULL,
  subject   TEXT NOT NULL,
  via       TEXT NOT NULL,
  why       TEXT NOT NULL,
  request   TEXT NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (workspace, model, alias, number)
);
INSERT INTO model_alias_moves (workspace, model, alias, number, version, restores, subject, via, why, request, at)
  SELECT workspace, model, alias, 1, version, 0, subject, '', '', '', set_at FROM model_aliases;
CREATE TABLE model_stage_moves (
  workspace TEXT NOT NULL,
  model     TEXT NOT NULL,
  version   INTEGER NOT NULL,
  number    INTEGER NOT NULL,
  stage     TEXT NOT NULL,
  subject   TEXT NOT NULL,
  via       TEXT NOT NULL,
  why       TEXT NOT NULL,
  request   TEXT NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (workspace, model, version, number)
);

-- What registered versions stand on and nobody may change. kind: run (an id), model (a logged model's id), files (a folder of the artifacts).
CREATE TABLE track_frozen (
  workspace TEXT NOT NULL,
  kind      TEXT NOT NULL,
  id        TEXT NOT NULL,
  node      TEXT NOT NULL,
  PRIMARY KEY (workspace, kind, id, node)
);
INSERT INTO track_frozen (workspace, kind, id, node)
  SELECT workspace, 'run', run_id, 'model:' || model || '@' || version FROM model_versions WHERE run_id <> '';
CREATE INDEX track_frozen_node ON track_frozen (workspace, node);
