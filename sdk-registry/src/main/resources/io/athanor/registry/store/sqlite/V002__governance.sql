ALTER TABLE version ADD COLUMN semantic TEXT;
ALTER TABLE version ADD COLUMN type TEXT NOT NULL DEFAULT 'CUSTOM';
ALTER TABLE version ADD COLUMN kind TEXT NOT NULL DEFAULT 'BASE';
ALTER TABLE version ADD COLUMN relation TEXT NOT NULL DEFAULT 'DERIVED';
ALTER TABLE version ADD COLUMN backend TEXT;
ALTER TABLE version ADD COLUMN number_format TEXT;
ALTER TABLE version ADD COLUMN context_length INTEGER;
ALTER TABLE version ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE version ADD COLUMN plan TEXT;
ALTER TABLE version ADD COLUMN job TEXT;
ALTER TABLE version ADD COLUMN licence TEXT;
ALTER TABLE version ADD COLUMN terms TEXT;
ALTER TABLE version ADD COLUMN specialisation TEXT;
ALTER TABLE version ADD COLUMN state TEXT NOT NULL DEFAULT 'ACTIVE';
ALTER TABLE version ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE version ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE version ADD COLUMN updated_by TEXT NOT NULL DEFAULT '';
ALTER TABLE version ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE version ADD COLUMN folder TEXT NOT NULL DEFAULT '';
UPDATE version SET
  bytes = (SELECT COALESCE(SUM(f.bytes), 0) FROM version_file f WHERE f.version_id = version.id),
  type = CASE task WHEN 'classification' THEN 'CLASSIFICATION' WHEN 'regression' THEN 'REGRESSION'
         ELSE 'CUSTOM' END,
  kind = CASE WHEN base IS NULL AND parent_id IS NULL THEN 'BASE' ELSE 'FINE_TUNED' END,
  updated = created,
  folder = 'versions/' || (SELECT m.name FROM model m WHERE m.id = version.model_id) || '/' || number;
CREATE UNIQUE INDEX version_by_semantic ON version (model_id, semantic);
CREATE INDEX version_by_type ON version (type);
CREATE INDEX version_by_parameters ON version (parameters);
CREATE INDEX version_by_bytes ON version (bytes);
CREATE INDEX version_by_updated ON version (updated);
CREATE INDEX version_by_state ON version (state);
CREATE INDEX version_by_kind ON version (kind);
CREATE INDEX version_by_backend ON version (backend);
CREATE INDEX version_by_number_format ON version (number_format);
CREATE INDEX version_by_context_length ON version (context_length);
CREATE INDEX version_by_created_by ON version (created_by);
CREATE INDEX version_by_updated_by ON version (updated_by);
CREATE INDEX version_by_base ON version (base);
CREATE INDEX version_by_job ON version (job);
CREATE INDEX version_by_licence ON version (licence);

-- Rows in the order of their keys: what belongs to a version lies together, and each index knows the version.
CREATE TABLE new_version_file (
  version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  path       TEXT    NOT NULL,
  bytes      INTEGER NOT NULL,
  digest     TEXT    NOT NULL,
  PRIMARY KEY (version_id, path)
) WITHOUT ROWID;
INSERT INTO new_version_file (version_id, path, bytes, digest) SELECT version_id, path, bytes, digest FROM version_file;
DROP TABLE version_file;
ALTER TABLE new_version_file RENAME TO version_file;
CREATE INDEX version_file_by_digest ON version_file (digest);
CREATE TABLE new_version_metric (
  version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  name       TEXT    NOT NULL,
  value      REAL    NOT NULL,
  PRIMARY KEY (version_id, name)
) WITHOUT ROWID;
INSERT INTO new_version_metric (version_id, name, value) SELECT version_id, name, value FROM version_metric;
DROP TABLE version_metric;
ALTER TABLE new_version_metric RENAME TO version_metric;
CREATE INDEX version_metric_by_value ON version_metric (name, value);
CREATE TABLE new_version_tag (
  version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  name       TEXT    NOT NULL,
  value      TEXT    NOT NULL,
  PRIMARY KEY (version_id, name)
) WITHOUT ROWID;
INSERT INTO new_version_tag (version_id, name, value) SELECT version_id, name, value FROM version_tag;
DROP TABLE version_tag;
ALTER TABLE new_version_tag RENAME TO version_tag;
CREATE INDEX version_tag_by_value ON version_tag (name, value);
CREATE TABLE new_version_data (
  version_id  INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  fingerprint TEXT    NOT NULL,
  PRIMARY KEY (version_id, position)
) WITHOUT ROWID;
INSERT INTO new_version_data (version_id, position, fingerprint) SELECT version_id, position, fingerprint FROM version_data;
DROP TABLE version_data;
ALTER TABLE new_version_data RENAME TO version_data;
CREATE INDEX version_data_by_fingerprint ON version_data (fingerprint);

-- The words of names, descriptions, tags and so on, in small letters, for free-text search.
CREATE TABLE version_word (
  word       TEXT    NOT NULL,
  version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  PRIMARY KEY (word, version_id)
) WITHOUT ROWID;
CREATE INDEX version_word_by_version ON version_word (version_id);

-- Documents about a version: bias and explanation results, checklists, signatures. Contents are blobs.
CREATE TABLE version_document (
  version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  kind       TEXT    NOT NULL,
  digest     TEXT    NOT NULL,
  bytes      INTEGER NOT NULL,
  media_type TEXT    NOT NULL,
  added      INTEGER NOT NULL,
  added_by   TEXT    NOT NULL,
  PRIMARY KEY (version_id, kind, digest)
);
CREATE INDEX version_document_by_digest ON version_document (digest);

-- Numbers and digests, not references: decisions outlive deleted versions.
CREATE TABLE approval (
  id           INTEGER PRIMARY KEY,
  model_id     INTEGER NOT NULL REFERENCES model (id),
  number       INTEGER NOT NULL,
  alias        TEXT    NOT NULL,
  artifact     TEXT    NOT NULL,
  report       TEXT,
  requested    INTEGER NOT NULL,
  requested_by TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  status       TEXT    NOT NULL
);
CREATE INDEX approval_by_version ON approval (model_id, number, alias);
CREATE INDEX approval_by_status ON approval (status, id);

-- What each approver said last; what they said before is in the audit log.
CREATE TABLE approval_decision (
  approval_id INTEGER NOT NULL REFERENCES approval (id),
  principal   TEXT    NOT NULL,
  decision    TEXT    NOT NULL,
  decided     INTEGER NOT NULL,
  reason      TEXT    NOT NULL,
  PRIMARY KEY (approval_id, principal)
);

-- Numbers, not references: where versions were live outlives deleted versions.
CREATE TABLE deployment (
  id          INTEGER PRIMARY KEY,
  model_id    INTEGER NOT NULL REFERENCES model (id),
  number      INTEGER NOT NULL,
  environment TEXT    NOT NULL,
  target      TEXT    NOT NULL,
  since       INTEGER NOT NULL,
  ended       INTEGER,
  deployed_by TEXT    NOT NULL
);
CREATE INDEX deployment_by_version ON deployment (model_id, number);
CREATE INDEX deployment_by_end ON deployment (ended);

-- The last rollout of a model to an alias; those before it are in the audit log.
CREATE TABLE rollout (
  model_id   INTEGER NOT NULL REFERENCES model (id),
  alias      TEXT    NOT NULL,
  champion   TEXT    NOT NULL,
  candidate  TEXT    NOT NULL,
  strategy   TEXT    NOT NULL,
  phase      TEXT    NOT NULL,
  step       INTEGER NOT NULL,
  begun      INTEGER NOT NULL,
  changed    INTEGER NOT NULL,
  changed_by TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  revision   INTEGER NOT NULL,
  PRIMARY KEY (model_id, alias)
);

CREATE TABLE version_usage (
  version_id    INTEGER PRIMARY KEY REFERENCES version (id) ON DELETE CASCADE,
  requests      INTEGER NOT NULL,
  errors        INTEGER NOT NULL,
  latency_nanos INTEGER NOT NULL,
  last_used     INTEGER NOT NULL
);

-- The registry's settings as JSON, for example its policy.
CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE role_permission (
  role       TEXT NOT NULL,
  permission TEXT NOT NULL,
  model      TEXT NOT NULL,
  stage      TEXT NOT NULL,
  PRIMARY KEY (role, permission, model, stage)
);

CREATE TABLE role_member (
  role      TEXT NOT NULL,
  principal TEXT NOT NULL,
  PRIMARY KEY (role, principal)
);

-- Rows are only ever added; each hash covers the row and the hash before it.
CREATE TABLE audit (
  id        INTEGER PRIMARY KEY,
  happened  INTEGER NOT NULL,
  principal TEXT    NOT NULL,
  action    TEXT    NOT NULL,
  subject   TEXT    NOT NULL,
  old_value TEXT,
  new_value TEXT,
  reason    TEXT    NOT NULL,
  hash      TEXT    NOT NULL
);
CREATE INDEX audit_by_subject ON audit (subject, id);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
