-- Rollouts that decide by evidence. What a release was decided by, as JSON; '' where a person decided.
ALTER TABLE releases ADD COLUMN evidence TEXT NOT NULL DEFAULT '';

-- Deployments whose canary is not moved by its policy, by whom and why. `rollback` is 1 where it is not taken back either.
CREATE TABLE rollout_holds (
  workspace   TEXT NOT NULL,
  deployment  TEXT NOT NULL,
  rollback    INTEGER NOT NULL,
  why         TEXT NOT NULL,
  subject     TEXT NOT NULL,
  held_at     INTEGER NOT NULL,
  PRIMARY KEY (workspace, deployment)
);
