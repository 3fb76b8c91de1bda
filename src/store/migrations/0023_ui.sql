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

-- Searches of the journal: by kind and by subject, newest first; and how many lines of which kind by whom there are, of each day and (day -1) of all,
-- so that nobody counts a million lines. The journal counts as it writes.
CREATE INDEX journal_kind ON journal (workspace, kind, sequence);
CREATE INDEX journal_subject ON journal (workspace, subject, sequence);
CREATE TABLE journal_counts (
  workspace      TEXT NOT NULL,
  day            INTEGER NOT NULL,
  kind           TEXT NOT NULL,
  subject        TEXT NOT NULL,
  lines          INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_sequence  INTEGER NOT NULL,
  PRIMARY KEY (workspace, day, kind, subject)
);
INSERT INTO journal_counts (workspace, day, kind, subject, lines, first_sequence, last_sequence)
  SELECT workspace, recorded_at / 86400000000, kind, subject, count(*), min(sequence), max(sequence) FROM journal
  GROUP BY workspace, recorded_at / 86400000000, kind, subject;
INSERT INTO journal_counts (workspace, day, kind, subject, lines, first_sequence, last_sequence)
  SELECT workspace, -1, kind, subject, sum(lines), min(first_sequence), max(last_sequence) FROM journal_counts
  GROUP BY workspace, kind, subject;

-- Searches of runs: by how their name begins, and newest first until enough names hold the text (PostgreSQL's indices take no long texts; a longer
-- name is found by its tag).
CREATE INDEX track_runs_begin ON track_runs (workspace, lifecycle_stage, lower(substr(name, 1, 100)), start_time, id);
CREATE INDEX track_runs_newest ON track_runs (workspace, lifecycle_stage, start_time, id, name) WHERE length(name) <= 250;
