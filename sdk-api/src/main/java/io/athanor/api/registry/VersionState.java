package io.athanor.api.registry;

/** Whether a version is meant to be used. */
public enum VersionState {
  ACTIVE,
  /** Works, but should be replaced; promoting it warns. */
  DEPRECATED,
  /** Kept for the record only; cannot be promoted. */
  ARCHIVED
}
