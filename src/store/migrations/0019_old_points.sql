-- Metrics whose points are still rows of before migration 0009: a background pass that moves them finds them here alone.
CREATE INDEX track_latest_metrics_old ON track_latest_metrics (workspace, run_id, key) WHERE old_rows = 1;
