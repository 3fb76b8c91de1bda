-- Releases with arms. `snapshot` describes every arm; `step` is what made the record: release, shadow, canary, promote, rollback or stop.
-- `event_time` is how far the deployment's events had come (the wall clock where nothing else is known).
ALTER TABLE releases ADD COLUMN step TEXT NOT NULL DEFAULT 'release';
ALTER TABLE releases ADD COLUMN event_time INTEGER NOT NULL DEFAULT 0;
UPDATE releases SET step = 'rollback' WHERE restores <> 0;
UPDATE releases SET event_time = created_at;

-- Aliases of MLflow's clients that are labels only. An alias that a deployment binds is not here: it is the deployment's stable arm.
CREATE TABLE model_aliases (
  workspace  TEXT NOT NULL,
  model      TEXT NOT NULL,
  alias      TEXT NOT NULL,
  version    INTEGER NOT NULL,
  subject    TEXT NOT NULL,
  set_at     INTEGER NOT NULL,
  PRIMARY KEY (workspace, model, alias)
);
