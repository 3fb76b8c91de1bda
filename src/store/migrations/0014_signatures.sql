-- Signatures of model versions, one a key. `bundle` is the blob of the detached signature, `key_id` the fingerprint of its public key.
CREATE TABLE model_signatures (
  workspace TEXT NOT NULL,
  model     TEXT NOT NULL,
  version   INTEGER NOT NULL,
  key_id    TEXT NOT NULL,
  bundle    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  signed_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, model, version, key_id)
);
