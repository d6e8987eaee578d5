package io.athanor.training.checkpoint;

import io.athanor.api.backend.TrainingState;
import io.athanor.api.graph.Weights;
import io.athanor.api.training.TrainingHistory;
import java.time.Duration;
import java.util.Optional;

/**
 * All that decides how a run goes on after a step.
 *
 * @param step optimizer steps taken
 * @param position the next batch
 * @param trainLoss since the last evaluation
 * @param curveLoss since the last point of the loss curve
 * @param best the best weights so far, if the monitored metric was ever measured
 * @param stale evaluations since the best one
 * @param history so far
 * @param duration spent training so far
 * @param state of the model
 */
public record Checkpoint(
    long step,
    Position position,
    Mean trainLoss,
    Mean curveLoss,
    Optional<Best> best,
    int stale,
    TrainingHistory history,
    Duration duration,
    TrainingState state) {
  /**
   * Where in the data.
   *
   * @param epoch counted from 0
   * @param microBatch the next one, counted from 0 within the epoch
   */
  public record Position(int epoch, long microBatch) {}

  /**
   * A mean under way.
   *
   * @param sum of the values
   * @param count of the values
   */
  public record Mean(double sum, long count) {
    /** Of nothing yet. */
    public static final Mean NONE = new Mean(0, 0);

    public Mean plus(double value) {
      return new Mean(sum + value, count + 1);
    }

    public double value() {
      return sum / count;
    }
  }

  /**
   * The best weights so far.
   *
   * @param value of the monitored metric
   * @param step after which they were measured
   * @param weights that were measured, without the frozen ones
   */
  public record Best(double value, long step, Weights weights) {}
}
