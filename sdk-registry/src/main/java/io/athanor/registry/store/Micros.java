package io.athanor.registry.store;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Instants as microseconds since 1970, which is how the tables keep them. */
final class Micros {
  private static final long FACTOR = 1_000_000;
  private static final Instant LATEST = at(Long.MAX_VALUE);
  private static final Instant EARLIEST = at(Long.MIN_VALUE + FACTOR);

  private Micros() {}

  /** The nearest that can be kept. */
  static long of(Instant instant) {
    if (instant.isAfter(LATEST)) {
      return Long.MAX_VALUE;
    }
    return instant.isBefore(EARLIEST)
        ? Long.MIN_VALUE + FACTOR
        : ChronoUnit.MICROS.between(Instant.EPOCH, instant);
  }

  static Instant at(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }
}
