package io.athanor.api.registry;

import java.time.Instant;
import java.util.Optional;

/**
 * A version that is or was live somewhere. It outlives the version.
 *
 * @param number identifies it in its registry
 * @param version which
 * @param environment for example {@code "production"}
 * @param target for example the name of a machine or a service
 * @param since from when
 * @param until absent while it is live
 * @param by who deployed it
 */
public record DeploymentRecord(
    long number,
    VersionId version,
    String environment,
    String target,
    Instant since,
    Optional<Instant> until,
    Principal by) {
  /** Whether it is live, as far as the registry was told. */
  public boolean live() {
    return until.isEmpty();
  }

  /** For example {@code "spam-filter:3 in production at host-1"}. */
  @Override
  public String toString() {
    return version + " in " + environment + " at " + target;
  }
}
