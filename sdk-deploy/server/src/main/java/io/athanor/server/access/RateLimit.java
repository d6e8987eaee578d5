package io.athanor.server.access;

import java.time.Duration;

/**
 * How often somebody may call.
 *
 * @param requests that are allowed again after each period, at least 1
 * @param period above zero, at most a day
 * @param burst how many may come at once after a pause, at least 1
 */
public record RateLimit(int requests, Duration period, int burst) {
  public RateLimit {
    if (requests < 1 || burst < 1) {
      throw new IllegalArgumentException(
          "requests and burst must be at least 1, got " + requests + " and " + burst);
    }
    if (period.isNegative() || period.isZero() || period.compareTo(Duration.ofDays(1)) > 0) {
      throw new IllegalArgumentException("period must be above 0, up to 1 day, got " + period);
    }
  }

  /** So many a second, and as many at once. */
  public static RateLimit perSecond(int requests) {
    return new RateLimit(requests, Duration.ofSeconds(1), requests);
  }

  /** So many a minute, and as many at once. */
  public static RateLimit perMinute(int requests) {
    return new RateLimit(requests, Duration.ofMinutes(1), requests);
  }
}
