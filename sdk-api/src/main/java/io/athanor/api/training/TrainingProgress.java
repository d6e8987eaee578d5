package io.athanor.api.training;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Where a run stands.
 *
 * @param state what it is doing
 * @param step optimizer steps taken
 * @param totalSteps of the whole run
 * @param epoch the current one, counted from 1
 * @param epochs of the whole run
 * @param metrics the latest values: {@code train.loss}, {@code learning.rate}, {@code
 *     gradient.norm}, {@code rows.per.second}, and those of the latest evaluation
 * @param remaining estimate of the time left, once there is something to base it on
 */
public record TrainingProgress(
    State state,
    long step,
    long totalSteps,
    int epoch,
    int epochs,
    Map<String, Double> metrics,
    Optional<Duration> remaining) {
  /** What a run is doing. */
  public enum State {
    RUNNING,
    PAUSED,
    ENDED,
    FAILED
  }

  public TrainingProgress {
    metrics = Map.copyOf(metrics);
  }
}
