package io.athanor.deploy.monitor;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.HdrHistogram.Histogram;

/**
 * A part of a window, or a whole one put together from its parts. Used under its monitor's lock.
 */
final class Slot {
  final Instant from;
  final Histogram latencies = new Histogram(Gauges.SHORTEST, Gauges.LONGEST, Gauges.DIGITS);
  final Tallies tallies;
  long passedOver;
  long rows;
  private final Map<ErrorKind, Long> errors = new EnumMap<>(ErrorKind.class);
  private long opinions;
  private double satisfaction;

  Slot(Instant from, Tallies tallies) {
    this.from = from;
    this.tallies = tallies;
  }

  void failed(ErrorKind kind, long times) {
    if (times > 0) {
      errors.merge(kind, times, Long::sum);
    }
  }

  void hear(Opinion opinion) {
    opinions++;
    satisfaction += opinion.satisfaction();
  }

  void add(Slot other) {
    latencies.add(other.latencies);
    other.errors.forEach(this::failed);
    tallies.add(other.tallies);
    passedOver += other.passedOver;
    rows += other.rows;
    opinions += other.opinions;
    satisfaction += other.satisfaction;
  }

  ServingWindow summary(Instant until) {
    long answered = latencies.getTotalCount();
    double seconds = Duration.between(from, until).toNanos() / 1e9;
    return new ServingWindow(
        from,
        until,
        answered,
        errors,
        seconds > 0 ? answered / seconds : 0,
        Duration.ofNanos(answered == 0 ? 0 : Math.round(latencies.getMean())),
        atPercentile(50),
        atPercentile(90),
        atPercentile(99),
        Duration.ofNanos(latencies.getMaxValue()),
        opinions,
        opinions == 0 ? OptionalDouble.empty() : OptionalDouble.of(satisfaction / opinions),
        rows,
        passedOver);
  }

  private Duration atPercentile(double percentile) {
    return Duration.ofNanos(latencies.getValueAtPercentile(percentile));
  }
}
