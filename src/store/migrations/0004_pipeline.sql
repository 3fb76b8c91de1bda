-- Finished runs of stages. A key names everything that went in, so one key has one record.
CREATE TABLE stage_records (
  workspace  TEXT NOT NULL,
  stage      TEXT NOT NULL,
  cache_key  TEXT NOT NULL,
  run_id     TEXT NOT NULL,
  job        TEXT NOT NULL,
  state      TEXT NOT NULL,
  outs       TEXT NOT NULL,
  components TEXT NOT NULL,
  undeclared INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace, stage, cache_key)
);
CREATE INDEX stage_records_ended ON stage_records (workspace, stage, ended_at);

-- Which record a stage stands on now: going back to earlier inputs goes back to their record.
CREATE TABLE stage_current (
  workspace TEXT NOT NULL,
  stage     TEXT NOT NULL,
  cache_key TEXT NOT NULL,
  PRIMARY KEY (workspace, stage)
);

-- Every start of a stage. One that is still `running` when a process starts was cut off.
CREATE TABLE stage_attempts (
  workspace  TEXT NOT NULL,
  id         TEXT NOT NULL,
  stage      TEXT NOT NULL,
  cache_key  TEXT NOT NULL,
  run_id     TEXT NOT NULL,
  job        TEXT NOT NULL,
  state      TEXT NOT NULL,
  error      TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE INDEX stage_attempts_state ON stage_attempts (state);

-- Digests of large files, so that a plan need not read them again. A changed file has another time, size or inode.
CREATE TABLE file_digests (
  workspace   TEXT NOT NULL,
  path        TEXT NOT NULL,
  modified_at INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  inode       INTEGER NOT NULL,
  digest      TEXT NOT NULL,
  PRIMARY KEY (workspace, path)
);
