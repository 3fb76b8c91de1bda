-- Alerts. One row an alert; at most one that is not resolved for a deployment, kind, subject, arm and version of the model.
-- window_*, last_* and in_row say which look counted last: the same look again changes nothing. Times but recorded_at and updated_at
-- are event times, 0 = not yet. `responded` is the severity that was last responded to, `responded_from` the
-- window that it was in. `cause` and `cause_kind` are those of the trace.
CREATE TABLE alerts (
  workspace       TEXT NOT NULL,
  id              TEXT NOT NULL,
  deployment      TEXT NOT NULL,
  kind            TEXT NOT NULL,
  subject         TEXT NOT NULL,
  arm             TEXT NOT NULL,
  version         INTEGER NOT NULL,
  severity        TEXT NOT NULL,
  state           TEXT NOT NULL,
  window_from     INTEGER NOT NULL,
  window_to       INTEGER NOT NULL,
  first_from      INTEGER NOT NULL,
  last_from       INTEGER NOT NULL,
  last_as_of      INTEGER NOT NULL,
  last_revision   INTEGER NOT NULL,
  in_row          INTEGER NOT NULL,
  pending_at      INTEGER NOT NULL,
  fired_at        INTEGER NOT NULL,
  acknowledged_at INTEGER NOT NULL,
  resolved_at     INTEGER NOT NULL,
  value           REAL NOT NULL,
  limit_value     REAL NOT NULL,
  evidence        TEXT NOT NULL,
  trace           TEXT NOT NULL,
  action          TEXT NOT NULL,
  responded       TEXT NOT NULL,
  responded_from  INTEGER NOT NULL,
  cause           TEXT NOT NULL,
  cause_kind      TEXT NOT NULL,
  owner           TEXT NOT NULL,
  note            TEXT NOT NULL,
  recorded_at     INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX alerts_open ON alerts (workspace, deployment, kind, subject, arm, version) WHERE state <> 'resolved';
CREATE INDEX alerts_key ON alerts (workspace, deployment, kind, subject, arm, version, id);

-- What happened to an alert, in order; rows never change.
CREATE TABLE alert_events (
  workspace   TEXT NOT NULL,
  alert       TEXT NOT NULL,
  number      INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  event_time  INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  subject     TEXT NOT NULL,
  why         TEXT NOT NULL,
  body        TEXT NOT NULL,
  PRIMARY KEY (workspace, alert, number)
);

-- What a person was asked, and answered. `key` names what is asked about, so that it is asked once.
CREATE TABLE reviews (
  workspace   TEXT NOT NULL,
  id          TEXT NOT NULL,
  kind        TEXT NOT NULL,
  key         TEXT NOT NULL,
  cause       TEXT NOT NULL,
  summary     TEXT NOT NULL,
  state       TEXT NOT NULL,
  opened_at   INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  decision    TEXT NOT NULL,
  why         TEXT NOT NULL,
  closed_by   TEXT NOT NULL,
  closed_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX reviews_open ON reviews (workspace, key) WHERE state = 'open';
CREATE INDEX reviews_key ON reviews (workspace, key, id);
CREATE TABLE review_subjects (
  workspace TEXT NOT NULL,
  review    TEXT NOT NULL,
  node      TEXT NOT NULL,
  number    INTEGER NOT NULL,
  summary   TEXT NOT NULL,
  evidence  TEXT NOT NULL,
  joined_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, review, node)
);
CREATE INDEX review_subjects_node ON review_subjects (workspace, node);

-- The newest job of a key, whatever its state.
CREATE INDEX jobs_by_key ON jobs (workspace, kind, key, created_at) WHERE key <> '';
