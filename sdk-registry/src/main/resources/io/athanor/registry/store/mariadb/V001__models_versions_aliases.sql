-- Times are microseconds since 1970-01-01T00:00Z; digests are SHA-256 in hexadecimal.
-- MariaDB commits after each statement; each may be repeated, so an interrupted script is run again.
-- Texts compare and sort by their characters' codes, as in SQLite.

CREATE TABLE IF NOT EXISTS model (
  id          BIGINT AUTO_INCREMENT PRIMARY KEY,
  name        VARCHAR(200) NOT NULL UNIQUE,
  next_number BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS version (
  id           BIGINT AUTO_INCREMENT PRIMARY KEY,
  model_id     BIGINT NOT NULL REFERENCES model (id),
  number       BIGINT NOT NULL,
  digest       VARCHAR(64) NOT NULL,
  created      BIGINT NOT NULL,
  architecture TEXT,
  task         TEXT,
  parameters   BIGINT,
  weights      VARCHAR(64),
  description  LONGTEXT NOT NULL,
  report       VARCHAR(64),
  verdict      VARCHAR(32) NOT NULL,
  base         VARCHAR(64),
  parent_id    BIGINT REFERENCES version (id),
  UNIQUE (model_id, number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS version_by_created ON version (created);
CREATE INDEX IF NOT EXISTS version_by_architecture ON version (architecture(100));
CREATE INDEX IF NOT EXISTS version_by_task ON version (task(100));
CREATE INDEX IF NOT EXISTS version_by_weights ON version (weights);
CREATE INDEX IF NOT EXISTS version_by_report ON version (report);
CREATE INDEX IF NOT EXISTS version_by_parent ON version (parent_id);

CREATE TABLE IF NOT EXISTS version_file (
  version_id BIGINT NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  path       VARCHAR(700) NOT NULL,
  bytes      BIGINT NOT NULL,
  digest     VARCHAR(64) NOT NULL,
  PRIMARY KEY (version_id, path)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS version_file_by_digest ON version_file (digest);

CREATE TABLE IF NOT EXISTS version_metric (
  version_id BIGINT NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  name       VARCHAR(700) NOT NULL,
  value      DOUBLE NOT NULL,
  PRIMARY KEY (version_id, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS version_metric_by_value ON version_metric (name, value);

CREATE TABLE IF NOT EXISTS version_tag (
  version_id BIGINT NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  name       VARCHAR(700) NOT NULL,
  value      LONGTEXT NOT NULL,
  PRIMARY KEY (version_id, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS version_tag_by_value ON version_tag (name(300), value(100));

CREATE TABLE IF NOT EXISTS version_data (
  version_id  BIGINT NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  position    BIGINT NOT NULL,
  fingerprint VARCHAR(64) NOT NULL,
  PRIMARY KEY (version_id, position)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS version_data_by_fingerprint ON version_data (fingerprint);

CREATE TABLE IF NOT EXISTS alias (
  model_id   BIGINT NOT NULL REFERENCES model (id),
  name       VARCHAR(200) NOT NULL,
  version_id BIGINT NOT NULL REFERENCES version (id),
  PRIMARY KEY (model_id, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS alias_by_version ON alias (version_id);

-- Rows are only ever added. Numbers, not references: the history outlives deleted versions.
CREATE TABLE IF NOT EXISTS alias_move (
  id          BIGINT AUTO_INCREMENT PRIMARY KEY,
  model_id    BIGINT NOT NULL REFERENCES model (id),
  alias       VARCHAR(200) NOT NULL,
  from_number BIGINT,
  to_number   BIGINT,
  moved       BIGINT NOT NULL,
  reason      LONGTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS alias_move_by_time ON alias_move (model_id, alias, moved, id);
