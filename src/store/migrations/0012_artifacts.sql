-- What is known of the artifacts that came through this server. `stamp` is the state of the file that the digest is of: with
-- another stamp the digest is not known.
CREATE TABLE track_artifacts (
  workspace   TEXT NOT NULL,
  path        TEXT NOT NULL,
  size        INTEGER NOT NULL,
  digest      TEXT NOT NULL,
  stamp       TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, path)
);

-- Uploads in parts. `key_digest` is the digest of the secret in the addresses of the parts. state: open, done.
CREATE TABLE track_uploads (
  workspace  TEXT NOT NULL,
  id         TEXT NOT NULL,
  path       TEXT NOT NULL,
  parts      INTEGER NOT NULL,
  key_digest TEXT NOT NULL,
  state      TEXT NOT NULL,
  subject    TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX track_uploads_id ON track_uploads (id);
CREATE INDEX track_uploads_expiry ON track_uploads (expires_at);
CREATE TABLE track_upload_parts (
  workspace TEXT NOT NULL,
  upload_id TEXT NOT NULL,
  number    INTEGER NOT NULL,
  size      INTEGER NOT NULL,
  digest    TEXT NOT NULL,
  PRIMARY KEY (workspace, upload_id, number)
);

-- When something was deleted (microseconds); 0: it is not, or it was before this was noted.
ALTER TABLE track_experiments ADD COLUMN deleted_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE track_runs ADD COLUMN deleted_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE track_models ADD COLUMN deleted_at INTEGER NOT NULL DEFAULT 0;

-- What the collection of garbage means to remove, and since when. kind: run, model, experiment. state: marked, or removing:
-- its own row is gone (which was the line of the journal), what belonged to it is being removed. `place` is where its files are.
CREATE TABLE gc_marks (
  workspace TEXT NOT NULL,
  kind      TEXT NOT NULL,
  id        TEXT NOT NULL,
  state     TEXT NOT NULL,
  place     TEXT NOT NULL,
  marked_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, kind, id)
);
