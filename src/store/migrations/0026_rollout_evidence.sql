-- What each of several servers on this store knows of a rollout under way: `origin` is the release that began it, `evidence` a judge's
-- save() as JSON.
CREATE TABLE rollout_evidence (
  workspace   TEXT NOT NULL,
  deployment  TEXT NOT NULL,
  origin      INTEGER NOT NULL,
  server      TEXT NOT NULL,
  evidence    TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, deployment, origin, server)
);
