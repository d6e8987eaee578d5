package io.athanor.deploy.monitor;

import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** When somebody is to be told. */
public sealed interface AlertRule {
  /** What it is called in alerts. */
  String name();

  /** What the latest window says; empty if that says nothing yet. */
  Optional<Finding> look(ServingWindow window, Optional<DriftReport> drift);

  /**
   * What a rule found.
   *
   * @param breached whether somebody is to be told
   * @param value measured
   * @param limit of the rule
   * @param message for people
   */
  record Finding(boolean breached, double value, double limit, String message) {}

  /** A trait of rows or answers differs from the baseline. */
  record Drift() implements AlertRule {
    @Override
    public String name() {
      return "drift";
    }

    @Override
    public Optional<Finding> look(ServingWindow window, Optional<DriftReport> drift) {
      return drift
          .filter(report -> !report.traits().isEmpty())
          .map(
              report ->
                  new Finding(
                      !report.drifted().isEmpty(),
                      report.drifted().size(),
                      0,
                      report.drifted().isEmpty()
                          ? "none of " + report.traits().size() + " traits has drifted"
                          : report.drifted().stream()
                              .map(TraitDrift::toString)
                              .limit(5)
                              .collect(Collectors.joining("; "))));
    }
  }

  /**
   * Too many requests get no answer.
   *
   * @param above the share of requests, in [0, 1)
   * @param requests how many there must be
   */
  record ErrorRate(double above, long requests) implements AlertRule {
    public ErrorRate {
      requireShare("above", above);
      requireEnough("requests", requests);
    }

    @Override
    public String name() {
      return "error-rate";
    }

    @Override
    public Optional<Finding> look(ServingWindow window, Optional<DriftReport> drift) {
      double rate = window.errorRate();
      return window.counted() < requests
          ? Optional.empty()
          : Optional.of(
              new Finding(
                  rate > above,
                  rate,
                  above,
                  String.format(
                      Locale.ROOT,
                      "%.2f %% of %d requests got no answer, the limit is %.2f %%",
                      100 * rate,
                      window.counted(),
                      100 * above)));
    }
  }

  /**
   * Answers take too long.
   *
   * @param above the latency that 99 of 100 answers should not exceed
   * @param requests how many there must be
   */
  record SlowAnswers(Duration above, long requests) implements AlertRule {
    public SlowAnswers {
      if (above.isNegative() || above.isZero()) {
        throw new IllegalArgumentException("above must be positive, got " + above);
      }
      requireEnough("requests", requests);
    }

    @Override
    public String name() {
      return "slow-answers";
    }

    @Override
    public Optional<Finding> look(ServingWindow window, Optional<DriftReport> drift) {
      return window.answered() < requests
          ? Optional.empty()
          : Optional.of(
              new Finding(
                  window.p99().compareTo(above) > 0,
                  window.p99().toNanos() / 1e9,
                  above.toNanos() / 1e9,
                  "99 of 100 answers took up to "
                      + window.p99().toMillis()
                      + " ms, the limit is "
                      + above.toMillis()
                      + " ms"));
    }
  }

  /**
   * People are not content with the answers.
   *
   * @param below the satisfaction there should be, in (0, 1]
   * @param opinions how many there must be
   */
  record Dissatisfaction(double below, long opinions) implements AlertRule {
    public Dissatisfaction {
      requireShare("below", 1 - below);
      requireEnough("opinions", opinions);
    }

    @Override
    public String name() {
      return "dissatisfaction";
    }

    @Override
    public Optional<Finding> look(ServingWindow window, Optional<DriftReport> drift) {
      if (window.opinions() < opinions || window.satisfaction().isEmpty()) {
        return Optional.empty();
      }
      double satisfaction = window.satisfaction().getAsDouble();
      return Optional.of(
          new Finding(
              satisfaction < below,
              satisfaction,
              below,
              String.format(
                  Locale.ROOT,
                  "satisfaction is %.2f by %d opinions, it should be at least %.2f",
                  satisfaction,
                  window.opinions(),
                  below)));
    }
  }

  private static void requireShare(String name, double share) {
    if (!(share >= 0 && share < 1)) {
      throw new IllegalArgumentException(name + " must be a share, got " + share);
    }
  }

  private static void requireEnough(String name, long count) {
    if (count < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, got " + count);
    }
  }
}
