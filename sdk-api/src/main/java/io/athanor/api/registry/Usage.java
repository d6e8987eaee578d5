package io.athanor.api.registry;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How much a version was used.
 *
 * @param requests how many, at least 0
 * @param errors those that failed, at most {@code requests}
 * @param latency of all requests together, not negative
 * @param last when the last one was; absent where there was none
 */
public record Usage(long requests, long errors, Duration latency, Optional<Instant> last) {
  public Usage {
    if (errors < 0 || requests < errors) {
      throw new IllegalArgumentException(
          "errors must be 0 to requests, got " + errors + " of " + requests);
    }
    if (latency.isNegative()) {
      throw new IllegalArgumentException("latency must not be negative, got " + latency);
    }
    if (requests > 0 && last.isEmpty()) {
      throw new IllegalArgumentException("last must say when, as there were requests");
    }
  }

  /** Some requests. */
  public static Usage of(long requests, long errors, Duration latency, Instant last) {
    return new Usage(requests, errors, latency, Optional.of(last));
  }

  /** Not used so far. */
  public static Usage none() {
    return new Usage(0, 0, Duration.ZERO, Optional.empty());
  }

  /** The latency of a request; zero before the first. */
  public Duration meanLatency() {
    return requests == 0 ? Duration.ZERO : latency.dividedBy(requests);
  }
}
