ALTER TABLE version ADD COLUMN IF NOT EXISTS semantic VARCHAR(255);
ALTER TABLE version ADD COLUMN IF NOT EXISTS type VARCHAR(32) NOT NULL DEFAULT 'CUSTOM';
ALTER TABLE version ADD COLUMN IF NOT EXISTS kind VARCHAR(200) NOT NULL DEFAULT 'BASE';
ALTER TABLE version ADD COLUMN IF NOT EXISTS relation VARCHAR(32) NOT NULL DEFAULT 'DERIVED';
ALTER TABLE version ADD COLUMN IF NOT EXISTS backend TEXT;
ALTER TABLE version ADD COLUMN IF NOT EXISTS number_format VARCHAR(32);
ALTER TABLE version ADD COLUMN IF NOT EXISTS context_length BIGINT;
ALTER TABLE version ADD COLUMN IF NOT EXISTS bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE version ADD COLUMN IF NOT EXISTS plan LONGTEXT;
ALTER TABLE version ADD COLUMN IF NOT EXISTS job TEXT;
ALTER TABLE version ADD COLUMN IF NOT EXISTS licence TEXT;
ALTER TABLE version ADD COLUMN IF NOT EXISTS terms LONGTEXT;
ALTER TABLE version ADD COLUMN IF NOT EXISTS specialisation LONGTEXT;
ALTER TABLE version ADD COLUMN IF NOT EXISTS state VARCHAR(32) NOT NULL DEFAULT 'ACTIVE';
ALTER TABLE version ADD COLUMN IF NOT EXISTS created_by VARCHAR(200) NOT NULL DEFAULT '';
ALTER TABLE version ADD COLUMN IF NOT EXISTS updated BIGINT NOT NULL DEFAULT 0;
ALTER TABLE version ADD COLUMN IF NOT EXISTS updated_by VARCHAR(200) NOT NULL DEFAULT '';
ALTER TABLE version ADD COLUMN IF NOT EXISTS revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE version ADD COLUMN IF NOT EXISTS folder VARCHAR(255) NOT NULL DEFAULT '';
CREATE UNIQUE INDEX IF NOT EXISTS version_by_semantic ON version (model_id, semantic);
CREATE INDEX IF NOT EXISTS version_by_type ON version (type);
CREATE INDEX IF NOT EXISTS version_by_parameters ON version (parameters);
CREATE INDEX IF NOT EXISTS version_by_bytes ON version (bytes);
CREATE INDEX IF NOT EXISTS version_by_updated ON version (updated);
CREATE INDEX IF NOT EXISTS version_by_state ON version (state);
CREATE INDEX IF NOT EXISTS version_by_kind ON version (kind);
CREATE INDEX IF NOT EXISTS version_by_backend ON version (backend(100));
CREATE INDEX IF NOT EXISTS version_by_number_format ON version (number_format);
CREATE INDEX IF NOT EXISTS version_by_context_length ON version (context_length);
CREATE INDEX IF NOT EXISTS version_by_created_by ON version (created_by);
CREATE INDEX IF NOT EXISTS version_by_updated_by ON version (updated_by);
CREATE INDEX IF NOT EXISTS version_by_base ON version (base);
CREATE INDEX IF NOT EXISTS version_by_job ON version (job(100));
CREATE INDEX IF NOT EXISTS version_by_licence ON version (licence(100));

-- The words of names, descriptions, tags and so on, in small letters, for free-text search.
CREATE TABLE IF NOT EXISTS version_word (
  word       VARCHAR(700) NOT NULL,
  version_id BIGINT NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  PRIMARY KEY (word, version_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS version_word_by_version ON version_word (version_id);

-- Documents about a version: bias and explanation results, checklists, signatures. Contents are blobs.
CREATE TABLE IF NOT EXISTS version_document (
  version_id BIGINT NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  kind       VARCHAR(200) NOT NULL,
  digest     VARCHAR(64) NOT NULL,
  bytes      BIGINT NOT NULL,
  media_type TEXT NOT NULL,
  added      BIGINT NOT NULL,
  added_by   VARCHAR(200) NOT NULL,
  PRIMARY KEY (version_id, kind, digest)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS version_document_by_digest ON version_document (digest);

-- Numbers and digests, not references: decisions outlive deleted versions.
CREATE TABLE IF NOT EXISTS approval (
  id           BIGINT AUTO_INCREMENT PRIMARY KEY,
  model_id     BIGINT NOT NULL REFERENCES model (id),
  number       BIGINT NOT NULL,
  alias        VARCHAR(200) NOT NULL,
  artifact     VARCHAR(64) NOT NULL,
  report       VARCHAR(64),
  requested    BIGINT NOT NULL,
  requested_by VARCHAR(200) NOT NULL,
  reason       LONGTEXT NOT NULL,
  status       VARCHAR(32) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS approval_by_version ON approval (model_id, number, alias);
CREATE INDEX IF NOT EXISTS approval_by_status ON approval (status, id);

-- What each approver said last; what they said before is in the audit log.
CREATE TABLE IF NOT EXISTS approval_decision (
  approval_id BIGINT NOT NULL REFERENCES approval (id),
  principal   VARCHAR(200) NOT NULL,
  decision    VARCHAR(32) NOT NULL,
  decided     BIGINT NOT NULL,
  reason      LONGTEXT NOT NULL,
  PRIMARY KEY (approval_id, principal)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- Numbers, not references: where versions were live outlives deleted versions.
CREATE TABLE IF NOT EXISTS deployment (
  id          BIGINT AUTO_INCREMENT PRIMARY KEY,
  model_id    BIGINT NOT NULL REFERENCES model (id),
  number      BIGINT NOT NULL,
  environment TEXT NOT NULL,
  target      TEXT NOT NULL,
  since       BIGINT NOT NULL,
  ended       BIGINT,
  deployed_by VARCHAR(200) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS deployment_by_version ON deployment (model_id, number);
CREATE INDEX IF NOT EXISTS deployment_by_end ON deployment (ended);

-- The last rollout of a model to an alias; those before it are in the audit log.
CREATE TABLE IF NOT EXISTS rollout (
  model_id   BIGINT NOT NULL REFERENCES model (id),
  alias      VARCHAR(200) NOT NULL,
  champion   LONGTEXT NOT NULL,
  candidate  LONGTEXT NOT NULL,
  strategy   LONGTEXT NOT NULL,
  phase      VARCHAR(32) NOT NULL,
  step       BIGINT NOT NULL,
  begun      BIGINT NOT NULL,
  changed    BIGINT NOT NULL,
  changed_by VARCHAR(200) NOT NULL,
  reason     LONGTEXT NOT NULL,
  revision   BIGINT NOT NULL,
  PRIMARY KEY (model_id, alias)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS version_usage (
  version_id    BIGINT PRIMARY KEY REFERENCES version (id) ON DELETE CASCADE,
  requests      BIGINT NOT NULL,
  errors        BIGINT NOT NULL,
  latency_nanos BIGINT NOT NULL,
  last_used     BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- The registry's settings as JSON, for example its policy.
CREATE TABLE IF NOT EXISTS setting (
  name  VARCHAR(200) PRIMARY KEY,
  value LONGTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS role_permission (
  role       VARCHAR(200) NOT NULL,
  permission VARCHAR(32) NOT NULL,
  model      VARCHAR(200) NOT NULL,
  stage      VARCHAR(200) NOT NULL,
  PRIMARY KEY (role, permission, model, stage)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS role_member (
  role      VARCHAR(200) NOT NULL,
  principal VARCHAR(200) NOT NULL,
  PRIMARY KEY (role, principal)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- Rows are only ever added; each hash covers the row and the hash before it.
CREATE TABLE IF NOT EXISTS audit (
  id        BIGINT PRIMARY KEY,
  happened  BIGINT NOT NULL,
  principal VARCHAR(200) NOT NULL,
  action    VARCHAR(255) NOT NULL,
  subject   VARCHAR(700) NOT NULL,
  old_value LONGTEXT,
  new_value LONGTEXT,
  reason    LONGTEXT NOT NULL,
  hash      VARCHAR(64) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS audit_by_subject ON audit (subject, id);
CREATE TRIGGER IF NOT EXISTS audit_is_not_changed BEFORE UPDATE ON audit FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit log is append-only';
CREATE TRIGGER IF NOT EXISTS audit_is_not_shortened BEFORE DELETE ON audit FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit log is append-only';
