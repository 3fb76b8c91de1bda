-- Requests to move a protected alias or stage. `number` counts per workspace; the request's id is cr-NUMBER. `place` is the alias or the stage, `version` 0
-- takes the alias away. `before` says what was there when it was asked for: a request holds for that alone. `covered` is the digest over all digests
-- of the version then. state: open, approved, done, rejected, withdrawn, expired, overtaken.
CREATE TABLE change_requests (
  workspace  TEXT NOT NULL,
  number     INTEGER NOT NULL,
  model      TEXT NOT NULL,
  kind       TEXT NOT NULL,
  place      TEXT NOT NULL,
  version    INTEGER NOT NULL,
  archive    INTEGER NOT NULL,
  before     TEXT NOT NULL,
  covered    TEXT NOT NULL,
  digests    TEXT NOT NULL,
  voices     INTEGER NOT NULL,
  role       TEXT NOT NULL,
  author     TEXT NOT NULL,
  via        TEXT NOT NULL,
  why        TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  state      TEXT NOT NULL,
  closed_by  TEXT NOT NULL,
  closed_why TEXT NOT NULL,
  closed_at  INTEGER NOT NULL,
  PRIMARY KEY (workspace, number)
);
CREATE INDEX change_requests_place ON change_requests (workspace, model, kind, place, state);
CREATE TABLE change_voices (
  workspace TEXT NOT NULL,
  request   INTEGER NOT NULL,
  subject   TEXT NOT NULL,
  covered   TEXT NOT NULL,
  why       TEXT NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (workspace, request, subject, covered)
);
