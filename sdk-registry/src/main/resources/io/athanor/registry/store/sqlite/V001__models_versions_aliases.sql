-- Times are microseconds since 1970-01-01T00:00Z; digests are SHA-256 in hexadecimal.

CREATE TABLE model (
  id          INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  next_number INTEGER NOT NULL
);

CREATE TABLE version (
  id           INTEGER PRIMARY KEY,
  model_id     INTEGER NOT NULL REFERENCES model (id),
  number       INTEGER NOT NULL,
  digest       TEXT    NOT NULL,
  created      INTEGER NOT NULL,
  architecture TEXT,
  task         TEXT,
  parameters   INTEGER,
  weights      TEXT,
  description  TEXT    NOT NULL,
  report       TEXT,
  verdict      TEXT    NOT NULL,
  base         TEXT,
  parent_id    INTEGER REFERENCES version (id),
  UNIQUE (model_id, number)
);
CREATE INDEX version_by_created ON version (created);
CREATE INDEX version_by_architecture ON version (architecture);
CREATE INDEX version_by_task ON version (task);
CREATE INDEX version_by_weights ON version (weights);
CREATE INDEX version_by_report ON version (report);
CREATE INDEX version_by_parent ON version (parent_id);

CREATE TABLE version_file (
  version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  path       TEXT    NOT NULL,
  bytes      INTEGER NOT NULL,
  digest     TEXT    NOT NULL,
  PRIMARY KEY (version_id, path)
);
CREATE INDEX version_file_by_digest ON version_file (digest);

CREATE TABLE version_metric (
  version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  name       TEXT    NOT NULL,
  value      REAL    NOT NULL,
  PRIMARY KEY (version_id, name)
);
CREATE INDEX version_metric_by_value ON version_metric (name, value);

CREATE TABLE version_tag (
  version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  name       TEXT    NOT NULL,
  value      TEXT    NOT NULL,
  PRIMARY KEY (version_id, name)
);
CREATE INDEX version_tag_by_value ON version_tag (name, value);

CREATE TABLE version_data (
  version_id  INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  fingerprint TEXT    NOT NULL,
  PRIMARY KEY (version_id, position)
);
CREATE INDEX version_data_by_fingerprint ON version_data (fingerprint);

CREATE TABLE alias (
  model_id   INTEGER NOT NULL REFERENCES model (id),
  name       TEXT    NOT NULL,
  version_id INTEGER NOT NULL REFERENCES version (id),
  PRIMARY KEY (model_id, name)
);
CREATE INDEX alias_by_version ON alias (version_id);

-- Rows are only ever added. Numbers, not references: the history outlives deleted versions.
CREATE TABLE alias_move (
  id          INTEGER PRIMARY KEY,
  model_id    INTEGER NOT NULL REFERENCES model (id),
  alias       TEXT    NOT NULL,
  from_number INTEGER,
  to_number   INTEGER,
  moved       INTEGER NOT NULL,
  reason      TEXT    NOT NULL
);
CREATE INDEX alias_move_by_time ON alias_move (model_id, alias, moved, id);
