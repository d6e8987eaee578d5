package io.athanor.deploy.rollout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Holds a candidate to promised limits over a sliding window. Immutable; each method gives a
 * changed copy.
 *
 * <p>A rate beyond its limit makes a {@link Finding.Kind#BAD} finding only where chance is no
 * explanation: where a model exactly at the limit would show so much in one of a million windows,
 * by the bound of Hoeffding ("Probability inequalities for sums of bounded random variables", 1963,
 * theorem 1). So one slow request among twenty decides nothing, and three failures in a row do.
 * Beyond the limit within chance is {@link Finding.Kind#UNDECIDED}.
 */
public final class SlaGuard implements Guard {
  private static final double CHANCE = 1e-6;
  private static final double SLOWEST = 0.01;
  private static final double SHORTFALL = 0.1;

  private final Duration window;
  private final Optional<Duration> p99;
  private final OptionalDouble errors;
  private final OptionalDouble throughput;

  private SlaGuard(
      Duration window, Optional<Duration> p99, OptionalDouble errors, OptionalDouble throughput) {
    this.window = window;
    this.p99 = p99;
    this.errors = errors;
    this.throughput = throughput;
  }

  /**
   * A guard that has no limit yet.
   *
   * @param window whole seconds, 1 to 60; ten notice a sudden fault in a moment and a slight one
   *     within the window
   */
  public static SlaGuard over(Duration window) {
    if (window.compareTo(Duration.ofSeconds(1)) < 0
        || window.compareTo(Traffic.LONGEST_WINDOW) > 0) {
      throw new IllegalArgumentException(
          "window must be 1 to " + Traffic.LONGEST_WINDOW.toSeconds() + " s, got " + window);
    }
    return new SlaGuard(window, Optional.empty(), OptionalDouble.empty(), OptionalDouble.empty());
  }

  /**
   * 99 of 100 requests take no longer. Requests without an end count as soon as they are over the
   * limit by a second at most.
   *
   * @param limit above 0, below a minute
   */
  public SlaGuard p99(Duration limit) {
    if (limit.isNegative() || limit.isZero() || limit.compareTo(Traffic.LONGEST_WINDOW) >= 0) {
      throw new IllegalArgumentException("limit must be above 0, below 1 minute, got " + limit);
    }
    return new SlaGuard(window, Optional.of(limit), errors, throughput);
  }

  /**
   * No larger share of the requests fails.
   *
   * @param limit in [0, 1); with 0 a single failure is too many
   */
  public SlaGuard errorRate(double limit) {
    if (!(limit >= 0 && limit < 1)) {
      throw new IllegalArgumentException("limit must be 0 to below 1, got " + limit);
    }
    return new SlaGuard(window, p99, OptionalDouble.of(limit), throughput);
  }

  /**
   * So many are answered in a second wherever so many are asked for. It is broken when a whole
   * window had fewer answers, and more than a tenth of the requests in it was left.
   *
   * @param limit requests per second, above 0
   */
  public SlaGuard throughput(double limit) {
    if (!(limit > 0 && limit < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("limit must be above 0, got " + limit);
    }
    return new SlaGuard(window, p99, errors, OptionalDouble.of(limit));
  }

  @Override
  public String name() {
    return "service level";
  }

  @Override
  public Finding judge(Traffic traffic) {
    Readings readings = traffic.candidate(window);
    List<Finding> findings = new ArrayList<>();
    p99.ifPresent(limit -> findings.add(latency(traffic, readings, limit)));
    errors.ifPresent(limit -> findings.add(failures(readings, limit)));
    throughput.ifPresent(limit -> findings.add(answers(readings, limit)));
    return findings.stream()
        .max((a, b) -> a.kind().compareTo(b.kind()))
        .orElseGet(() -> Finding.good("no limit is set"));
  }

  private static Finding latency(Traffic traffic, Readings readings, Duration limit) {
    Duration wholeSeconds = Duration.ofSeconds(limit.plusNanos(999_999_999).toSeconds());
    long hanging = traffic.candidate(wholeSeconds).pending();
    long slow = readings.slowerThan(limit) + hanging;
    String measured =
        String.format(
            Locale.ROOT,
            "%d of %d requests took longer than %s, p99 is %s",
            slow,
            readings.ended() + hanging,
            millis(limit),
            millis(readings.percentile(99)));
    return beyond(slow, readings.ended() + hanging, SLOWEST, measured);
  }

  private static Finding failures(Readings readings, double limit) {
    String measured =
        String.format(
            Locale.ROOT,
            "%d of %d requests failed, the limit is %s %%",
            readings.failed(),
            readings.ended(),
            trimmed(100 * limit));
    return beyond(readings.failed(), readings.ended(), limit, measured);
  }

  private Finding answers(Readings readings, double limit) {
    double least = limit * window.toMillis() / 1_000;
    long demand = readings.asked() + readings.pending();
    long answered = readings.ended() - readings.failed();
    String measured =
        String.format(
            Locale.ROOT,
            "%d of %d requests were answered in %d s, the limit is %s per second",
            answered,
            demand,
            window.toSeconds(),
            trimmed(limit));
    boolean asked = demand >= least;
    return asked && answered < least && demand - answered > SHORTFALL * demand
        ? Finding.bad(measured)
        : Finding.good(measured);
  }

  private static Finding beyond(long hits, long trials, double limit, String measured) {
    if (hits <= limit * trials) {
      return Finding.good(measured);
    }
    return chance(hits, trials, limit) <= CHANCE
        ? Finding.bad(measured)
        : Finding.undecided(measured + ", which may be chance");
  }

  /**
   * At least the probability of so many hits or more.
   *
   * @param hits more than {@code probability * trials}
   */
  static double chance(long hits, long trials, double probability) {
    double rate = (double) hits / trials;
    double divergence =
        rate * Math.log(rate / probability)
            + (rate == 1 ? 0 : (1 - rate) * Math.log((1 - rate) / (1 - probability)));
    return Math.exp(-trials * divergence);
  }

  private static String millis(Duration duration) {
    return trimmed(duration.toNanos() / 1e6) + " ms";
  }

  private static String trimmed(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%.3g", value);
  }
}
