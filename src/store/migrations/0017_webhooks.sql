-- Who is told of changes, from the journal. `events` is a JSON list of "entity.action", `secret` is sealed, '' = none; only
-- lines of the journal after `since` are told. Times are
-- milliseconds, those of deliveries microseconds.
CREATE TABLE webhooks (
  workspace   TEXT NOT NULL,
  id          TEXT NOT NULL,
  name        TEXT NOT NULL,
  url         TEXT NOT NULL,
  description TEXT NOT NULL,
  status      TEXT NOT NULL,
  secret      TEXT NOT NULL,
  events      TEXT NOT NULL,
  since       INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
-- How far a workspace's journal has been read for them.
CREATE TABLE webhook_cursors (
  workspace TEXT NOT NULL,
  sequence  INTEGER NOT NULL,
  PRIMARY KEY (workspace)
);
-- What is still to be sent. Whoever sends it holds it until `lease_until`.
CREATE TABLE webhook_deliveries (
  workspace   TEXT NOT NULL,
  id          TEXT NOT NULL,
  webhook_id  TEXT NOT NULL,
  sequence    INTEGER NOT NULL,
  event       TEXT NOT NULL,
  body        TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  due_at      INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  PRIMARY KEY (workspace, id),
  UNIQUE (workspace, webhook_id, sequence)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at);
