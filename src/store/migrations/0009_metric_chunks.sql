-- Points of metrics move from a row each into chunks: a chunk is up to 4096 points of one metric as bytes with a checksum,
-- a metric's chunks do not overlap, and first_* is the place of its first point in the order of a history.
CREATE TABLE track_metric_chunks (
  workspace       TEXT NOT NULL,
  run_id          TEXT NOT NULL,
  key             TEXT NOT NULL,
  first_timestamp INTEGER NOT NULL,
  first_step      INTEGER NOT NULL,
  first_value     DOUBLE PRECISION NOT NULL,
  first_is_nan    INTEGER NOT NULL,
  min_step        INTEGER NOT NULL,
  max_step        INTEGER NOT NULL,
  points          INTEGER NOT NULL,
  bytes           BLOB NOT NULL,
  PRIMARY KEY (workspace, run_id, key, first_timestamp, first_step, first_value, first_is_nan)
);

-- The row of a metric's latest point is also the head of its points:
--   unsealed    points that no chunk holds yet; they are in tail, coded as a chunk, or it is the latest point alone (tail NULL)
--   sealed_*    the greatest (timestamp, step) in a chunk; -1 and 0: there is no chunk
--   old_rows    1: its points are still rows of track_metrics; the next write to the metric moves them into chunks
--   version     grows with each write, so that of two writers at once one starts again
-- experiment_id and start_time are the run's, which never change; they let one index answer a search.
ALTER TABLE track_latest_metrics ADD COLUMN experiment_id TEXT NOT NULL DEFAULT '';
ALTER TABLE track_latest_metrics ADD COLUMN start_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE track_latest_metrics ADD COLUMN unsealed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE track_latest_metrics ADD COLUMN sealed_timestamp INTEGER NOT NULL DEFAULT -1;
ALTER TABLE track_latest_metrics ADD COLUMN sealed_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE track_latest_metrics ADD COLUMN old_rows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE track_latest_metrics ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE track_latest_metrics ADD COLUMN tail BLOB;
UPDATE track_latest_metrics SET old_rows = 1,
  experiment_id = (SELECT r.experiment_id FROM track_runs r
                   WHERE r.workspace = track_latest_metrics.workspace AND r.id = track_latest_metrics.run_id),
  start_time = (SELECT r.start_time FROM track_runs r
                WHERE r.workspace = track_latest_metrics.workspace AND r.id = track_latest_metrics.run_id);
DROP INDEX track_latest_metrics_value;
CREATE INDEX track_latest_metrics_value
  ON track_latest_metrics (workspace, experiment_id, key, is_nan, value, start_time DESC, run_id);
