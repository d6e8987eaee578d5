package io.athanor.api.training;

import io.athanor.api.model.ModelArtifact;
import java.time.Duration;

/** What comes of a run. Immutable and thread-safe. */
public final class TrainingResult {
  private final ModelArtifact model;
  private final TrainingHistory history;
  private final StopReason stopReason;
  private final long steps;
  private final long bestStep;
  private final Duration duration;

  /**
   * @param model with the weights of {@code bestStep}
   * @param steps optimizer steps taken
   * @param bestStep the step whose weights the model has
   * @param duration spent training, pauses left out, resumed parts counted in
   */
  public TrainingResult(
      ModelArtifact model,
      TrainingHistory history,
      StopReason stopReason,
      long steps,
      long bestStep,
      Duration duration) {
    this.model = model;
    this.history = history;
    this.stopReason = stopReason;
    this.steps = steps;
    this.bestStep = bestStep;
    this.duration = duration;
  }

  /**
   * The model: with the best weights by the monitored metric, or with the last ones where nothing
   * was evaluated.
   */
  public ModelArtifact model() {
    return model;
  }

  public TrainingHistory history() {
    return history;
  }

  public StopReason stopReason() {
    return stopReason;
  }

  /** Optimizer steps taken. */
  public long steps() {
    return steps;
  }

  /** The step whose weights the model has. */
  public long bestStep() {
    return bestStep;
  }

  /** Spent training, pauses left out, the parts before a resume counted in. */
  public Duration duration() {
    return duration;
  }

  @Override
  public String toString() {
    return stopReason + " after " + steps + " steps, best at " + bestStep + ": " + model.metrics();
  }
}
