-- Reviews of kind `case`: what a person answered in place of the model, a JSON list of {row, label}; '' for all others and
-- while it is open.
ALTER TABLE reviews ADD COLUMN answer TEXT NOT NULL DEFAULT '';
-- Reviews of one kind, newest first.
CREATE INDEX reviews_kind ON reviews (workspace, kind, id);
