package io.athanor.deploy.rollout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * How the traffic moves from the champion to the candidate: one step after the other, promotion
 * after the last. Immutable.
 *
 * <pre>{@code
 * Strategy.shadow(0.2, ofMinutes(10), 500).then(Strategy.canary()
 *     .step(0.01, ofMinutes(5), 100)
 *     .step(0.10, ofMinutes(10), 1_000)
 *     .step(0.50, ofMinutes(30), 10_000))
 * }</pre>
 *
 * @param steps in their order; none moves all traffic at once and promotes
 */
public record Strategy(List<Step> steps) {
  private static final int MOST_STEPS = 100;

  public Strategy {
    steps = List.copyOf(steps);
    if (steps.size() > MOST_STEPS) {
      throw new IllegalArgumentException(
          "steps must be at most " + MOST_STEPS + ", got " + steps.size());
    }
    for (int i = 1; i < steps.size(); i++) {
      if (steps.get(i).share < steps.get(i - 1).share) {
        throw new IllegalArgumentException(
            "share must not fall from step to step, got "
                + steps.get(i - 1).share
                + " and then "
                + steps.get(i).share);
      }
    }
  }

  /**
   * A stretch of a rollout. It ends when it has lasted long enough, the candidate was asked often
   * enough, and no guard wants to wait.
   *
   * @param share of the requests that the candidate answers, in [0, 1]
   * @param compared share of the requests that both are asked, in [0, 1]; the caller gets one
   *     answer and never waits for the other
   * @param duration the least it lasts
   * @param requests the fewest the candidate is asked in one process
   */
  public record Step(double share, double compared, Duration duration, long requests) {
    public Step {
      requireShare("share", share);
      requireShare("compared", compared);
      if (duration.isNegative()) {
        throw new IllegalArgumentException("duration must not be negative, got " + duration);
      }
      if (requests < 0) {
        throw new IllegalArgumentException("requests must not be negative, got " + requests);
      }
      if (requests > 0 && share == 0 && compared == 0) {
        throw new IllegalArgumentException(
            "a step without share and compared would wait for ever for its requests");
      }
    }

    private static void requireShare(String parameter, double value) {
      if (!(value >= 0 && value <= 1)) {
        throw new IllegalArgumentException(parameter + " must be 0 to 1, got " + value);
      }
    }
  }

  /** All traffic at once, as soon as the candidate is healthy. */
  public static Strategy immediate() {
    return new Strategy(List.of());
  }

  /**
   * All traffic at once, with the champion kept ready to take it back.
   *
   * @param watched how long
   * @param requests the fewest the candidate is asked before the champion goes
   */
  public static Strategy blueGreen(Duration watched, long requests) {
    return canary().step(1, watched, requests);
  }

  /** A growing share; add {@link #step steps}. */
  public static Strategy canary() {
    return immediate();
  }

  /**
   * The candidate answers beside the champion, and nobody sees it.
   *
   * @param compared share of the requests that it is asked, in (0, 1]
   * @param duration the least it lasts
   * @param requests the fewest it is asked
   */
  public static Strategy shadow(double compared, Duration duration, long requests) {
    if (compared == 0) {
      throw new IllegalArgumentException("compared must be above 0: nothing would be asked");
    }
    return new Strategy(List.of(new Step(0, compared, duration, requests)));
  }

  /**
   * With one more step, in which nothing is compared.
   *
   * @param share of the requests that the candidate answers, not below that of the step before
   */
  public Strategy step(double share, Duration duration, long requests) {
    return then(new Strategy(List.of(new Step(share, 0, duration, requests))));
  }

  /** This one, then another. */
  public Strategy then(Strategy next) {
    List<Step> all = new ArrayList<>(steps);
    all.addAll(next.steps);
    return new Strategy(all);
  }

  /**
   * The same with a share of the requests asked of both in every step.
   *
   * @param share in [0, 1]
   */
  public Strategy comparing(double share) {
    return new Strategy(
        steps.stream()
            .map(step -> new Step(step.share, share, step.duration, step.requests))
            .toList());
  }
}
