-- Dataset versions: one judged batch each. Digests name blobs; `batch_key` is what makes a batch the same batch.
CREATE TABLE dataset_versions (
  workspace       TEXT NOT NULL,
  dataset         TEXT NOT NULL,
  version         INTEGER NOT NULL,
  batch_key       TEXT NOT NULL,
  digest          TEXT NOT NULL,
  file            TEXT NOT NULL,
  quarantine_file TEXT NOT NULL,
  contract_digest TEXT NOT NULL,
  contract_file   TEXT NOT NULL,
  profile_digest  TEXT NOT NULL,
  findings_digest TEXT NOT NULL,
  input_digest    TEXT NOT NULL,
  verdict         TEXT NOT NULL,
  row_count       INTEGER NOT NULL,
  accepted        INTEGER NOT NULL,
  quarantined     INTEGER NOT NULL,
  period_from     INTEGER NOT NULL,
  period_to       INTEGER NOT NULL,
  recorded_at     INTEGER NOT NULL,
  inputs          TEXT NOT NULL,
  reference_nodes TEXT NOT NULL,
  PRIMARY KEY (workspace, dataset, version)
);
CREATE UNIQUE INDEX dataset_versions_key ON dataset_versions (workspace, dataset, batch_key);
