-- A search for a parameter or tag of one value begins with the runs that have it. Values are long (8,000 characters of a tag),
-- so the index holds how they begin; PostgreSQL's take at most about 2,700 bytes.
CREATE INDEX track_params_lead ON track_params (workspace, key, substr(value, 1, 64), run_id);
CREATE INDEX track_run_tags_lead ON track_run_tags (workspace, key, substr(value, 1, 64), run_id);
