package io.athanor.deploy.monitor;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * What a deployment did in the latest window.
 *
 * @param from its beginning
 * @param until now
 * @param answered requests with an answer; a list of rows or texts is one request
 * @param errors requests without one, by kind
 * @param perSecond answered requests in a second
 * @param mean latency of the answered requests; zero without any, as the others
 * @param median latency
 * @param p90 the latency that 90 of 100 did not exceed
 * @param p99 the latency that 99 of 100 did not exceed
 * @param slowest latency
 * @param opinions how many people said of answers
 * @param satisfaction how good they found them, from 0 to 1; absent without opinions
 * @param rows how many rows or texts were looked at for drift
 * @param passedOver how many were not, since there were enough or there was no time
 */
public record ServingWindow(
    Instant from,
    Instant until,
    long answered,
    Map<ErrorKind, Long> errors,
    double perSecond,
    Duration mean,
    Duration median,
    Duration p90,
    Duration p99,
    Duration slowest,
    long opinions,
    OptionalDouble satisfaction,
    long rows,
    long passedOver) {
  public ServingWindow {
    Map<ErrorKind, Long> all = new EnumMap<>(ErrorKind.class);
    all.putAll(errors);
    errors = Collections.unmodifiableMap(all);
  }

  /** Requests that the deployment answered or should have answered. */
  public long counted() {
    return answered + failed();
  }

  /** The share of {@link #counted} that got no answer, in [0, 1]; 0 without requests. */
  public double errorRate() {
    return counted() == 0 ? 0 : (double) failed() / counted();
  }

  private long failed() {
    return errors.entrySet().stream()
        .filter(e -> e.getKey().counts())
        .mapToLong(Map.Entry::getValue)
        .sum();
  }
}
