package io.athanor.api.training;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The course of a run.
 *
 * @param curve about a thousand points at most, evenly spread
 * @param evaluations all of them, in order
 */
public record TrainingHistory(List<Point> curve, List<Evaluation> evaluations) {
  public TrainingHistory {
    curve = List.copyOf(curve);
    evaluations = List.copyOf(evaluations);
  }

  /**
   * A point of the loss curve.
   *
   * @param step the last step it stands for, counted from 1
   * @param loss mean over the steps since the point before
   * @param learningRate at that step
   * @param gradientNorm at that step, before clipping
   */
  public record Point(long step, double loss, double learningRate, double gradientNorm) {}

  /**
   * What was measured after a step.
   *
   * @param step counted from 1
   * @param epoch counted from 1
   * @param metrics by name, see {@link TrainingMetric}
   */
  public record Evaluation(long step, int epoch, Map<String, Double> metrics) {
    public Evaluation {
      metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
    }
  }

  /** The evaluation after a step. */
  public Optional<Evaluation> at(long step) {
    return evaluations.stream().filter(e -> e.step() == step).findFirst();
  }
}
