-- Searches of registered models and versions go by these: the orders that clients ask for (milliseconds, as they see them), tags and sources by how
-- they begin (PostgreSQL's indices take no long texts), and of each stage the highest version.
CREATE INDEX registered_models_newest ON registered_models (workspace, (updated_at / 1000) DESC, name) WHERE deleted_at = 0;
CREATE INDEX model_tags_value ON model_tags (workspace, key, substr(value, 1, 100), model);
CREATE INDEX model_versions_newest ON model_versions (workspace, (updated_at / 1000) DESC, model, version DESC) WHERE deleted_at = 0;
CREATE INDEX model_versions_made ON model_versions (workspace, (created_at / 1000) DESC, model, version DESC) WHERE deleted_at = 0;
CREATE INDEX model_versions_stage ON model_versions (workspace, model, stage, version) WHERE deleted_at = 0;
CREATE INDEX model_versions_source ON model_versions (workspace, substr(source, 1, 300)) WHERE deleted_at = 0;
CREATE INDEX model_version_tags_value ON model_version_tags (workspace, key, substr(value, 1, 100), model, version);

-- Files that a server is writing or removing now, where several share the database: whoever registers what they lie in waits for them. `writer` is the
-- server's name; what it left behind when it died goes when it starts again.
CREATE TABLE track_writing (
  workspace  TEXT NOT NULL,
  path       TEXT NOT NULL,
  id         TEXT NOT NULL,
  writer     TEXT NOT NULL,
  begun_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace, path, id)
);
CREATE INDEX track_writing_writer ON track_writing (writer);
