-- How far the taking over from another tracking server has come: what it calls a thing, what that is here, and the digest of
-- its content when it was taken. state: begun, done.
CREATE TABLE exchange_progress (
  workspace TEXT NOT NULL,
  source    TEXT NOT NULL,
  kind      TEXT NOT NULL,
  id        TEXT NOT NULL,
  target    TEXT NOT NULL,
  state     TEXT NOT NULL,
  digest    TEXT NOT NULL,
  PRIMARY KEY (workspace, source, kind, id)
);
