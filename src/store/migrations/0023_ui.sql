-- What the web UI keeps. Sessions: who signed in with which token; of the cookie's secret only its SHA-256. A session ends with its token.
CREATE TABLE sessions (
  workspace  TEXT NOT NULL,
  id         TEXT NOT NULL,
  digest     TEXT NOT NULL UNIQUE,
  token      TEXT NOT NULL,
  subject    TEXT NOT NULL,
  address    TEXT NOT NULL,
  agent      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE INDEX sessions_subject ON sessions (workspace, subject, created_at);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Filters, columns and orders of a page under a name.
CREATE TABLE views (
  workspace  TEXT NOT NULL,
  id         TEXT NOT NULL,
  page       TEXT NOT NULL,
  name       TEXT NOT NULL,
  state      TEXT NOT NULL,
  owner      TEXT NOT NULL,
  shared     INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX views_name ON views (workspace, page, owner, name);

-- Searches of the journal: by kind and by subject, newest first; and of each day how many lines of which kind by whom, so that nobody counts a
-- million lines. The journal counts as it writes.
CREATE INDEX journal_kind ON journal (workspace, kind, sequence);
CREATE INDEX journal_subject ON journal (workspace, subject, sequence);
CREATE TABLE journal_days (
  workspace      TEXT NOT NULL,
  kind           TEXT NOT NULL,
  subject        TEXT NOT NULL,
  day            INTEGER NOT NULL,
  lines          INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_sequence  INTEGER NOT NULL,
  PRIMARY KEY (workspace, kind, subject, day)
);
INSERT INTO journal_days (workspace, kind, subject, day, lines, first_sequence, last_sequence)
  SELECT workspace, kind, subject, recorded_at / 86400000000, count(*), min(sequence), max(sequence) FROM journal
  GROUP BY workspace, kind, subject, recorded_at / 86400000000;
