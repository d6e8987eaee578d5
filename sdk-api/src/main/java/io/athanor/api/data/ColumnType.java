package io.athanor.api.data;

/** What the cells of a column hold. */
public enum ColumnType {
  /** A finite number. */
  NUMBER,
  /** One of a few words. */
  CATEGORY,
  /** Free text. */
  TEXT,
  /** A picture. */
  IMAGE
}
