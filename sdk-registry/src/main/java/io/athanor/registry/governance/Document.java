package io.athanor.registry.governance;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;

/**
 * Something that was attached to a version, for example the results of an examination for bias.
 *
 * @param version what it is about
 * @param kind for example {@link #BIAS}; see {@link VersionId#requireName}
 * @param digest identifies its content
 * @param bytes its size
 * @param mediaType for example {@code "application/json"}
 * @param added when, and by whom
 */
public record Document(
    VersionId version,
    String kind,
    Digest digest,
    long bytes,
    String mediaType,
    ModelVersion.Stamp added) {
  /** How the version treats groups of people. */
  public static final String BIAS = "bias";

  /** What its predictions rest on. */
  public static final String EXPLAINABILITY = "explainability";

  /** A {@link Checklist}. */
  public static final String CHECKLIST = "checklist";

  /** A signature over the version's files. */
  public static final String SIGNATURE = "signature";

  @Override
  public String toString() {
    return kind + " " + digest.brief() + " of " + version;
  }
}
