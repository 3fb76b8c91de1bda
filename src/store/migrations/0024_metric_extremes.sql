-- The least and the greatest number that a metric ever had, beside its latest, so that tables of runs show them without reading points. NULL: not
-- known (its points were written before this, and are more than its head holds), or it never was a number.
ALTER TABLE track_latest_metrics ADD COLUMN least DOUBLE PRECISION;
ALTER TABLE track_latest_metrics ADD COLUMN greatest DOUBLE PRECISION;
