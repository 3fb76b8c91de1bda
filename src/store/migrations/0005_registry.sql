-- Model versions. `identity` covers the digests of model, data, code, environment and contract: the same ones are the same version.
-- `files` are the blobs that the version keeps, `facts` all that was known when it was made; a version's row never changes.
CREATE TABLE model_versions (
  workspace  TEXT NOT NULL,
  model      TEXT NOT NULL,
  version    INTEGER NOT NULL,
  identity   TEXT NOT NULL,
  run_id     TEXT NOT NULL,
  stage_node TEXT NOT NULL,
  author     TEXT NOT NULL,
  digests    TEXT NOT NULL,
  files      TEXT NOT NULL,
  facts      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, model, version),
  UNIQUE (workspace, model, identity)
);

-- Every evaluation of the gates with another outcome than the one before; the highest number is the one that counts.
-- `report` names the blob with the evidence, `policy` the gates and approvals that the project asked for then.
CREATE TABLE gate_evaluations (
  workspace    TEXT NOT NULL,
  model        TEXT NOT NULL,
  version      INTEGER NOT NULL,
  number       INTEGER NOT NULL,
  passed       INTEGER NOT NULL,
  report       TEXT NOT NULL,
  policy       TEXT NOT NULL,
  results      TEXT NOT NULL,
  subject      TEXT NOT NULL,
  evaluated_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, model, version, number)
);

-- `covered` is the digest over all digests of the version, the gates' report among them: with other evidence the approval is void.
CREATE TABLE approvals (
  workspace  TEXT NOT NULL,
  model      TEXT NOT NULL,
  version    INTEGER NOT NULL,
  covered    TEXT NOT NULL,
  subject    TEXT NOT NULL,
  node       TEXT NOT NULL,
  digests    TEXT NOT NULL,
  why        TEXT NOT NULL,
  at         INTEGER NOT NULL,
  PRIMARY KEY (workspace, model, version, covered, subject)
);

-- What a deployment had on its traffic; the highest number is live. `restores` is the release that a rollback went back to, or 0.
CREATE TABLE releases (
  workspace     TEXT NOT NULL,
  deployment    TEXT NOT NULL,
  number        INTEGER NOT NULL,
  model         TEXT NOT NULL,
  version       INTEGER NOT NULL,
  model_digest  TEXT NOT NULL,
  contract_blob TEXT NOT NULL,
  snapshot      TEXT NOT NULL,
  restores      INTEGER NOT NULL,
  reason        TEXT NOT NULL,
  subject       TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  PRIMARY KEY (workspace, deployment, number)
);
