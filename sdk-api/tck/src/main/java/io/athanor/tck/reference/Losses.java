package io.athanor.tck.reference;

import io.athanor.api.graph.LossOp;
import java.util.Arrays;
import java.util.List;

/** Means over the scored elements of a batch. */
final class Losses {
  private Losses() {}

  /** Targets must be checked to be classes or {@link LossOp#IGNORED}. */
  static Result crossEntropy(Array logits, Array targets, double smoothing) {
    int classes = logits.size(-1);
    Array logarithms = Elements.logarithms(logits);
    int counted = 0;
    double sum = 0;
    for (int row = 0; row < targets.count(); row++) {
      if (targets.values[row] == LossOp.IGNORED) {
        continue;
      }
      counted++;
      for (int c = 0; c < classes; c++) {
        sum -= wanted(targets, row, c, classes, smoothing) * logarithms.values[row * classes + c];
      }
    }
    double count = counted;
    return new Result(
        Array.scalar(sum / count),
        dy -> {
          Array dLogits = logits.zerosLike();
          for (int i = 0; i < logits.count(); i++) {
            int row = i / classes;
            if (targets.values[row] != LossOp.IGNORED) {
              double probability = Math.exp(logarithms.values[i]);
              double wanted = wanted(targets, row, i % classes, classes, smoothing);
              dLogits.values[i] = dy.values[0] * (probability - wanted) / count;
            }
          }
          return List.of(dLogits, targets.zerosLike());
        });
  }

  /** The probability that a smoothed target gives to a class. */
  private static double wanted(Array targets, int row, int c, int classes, double smoothing) {
    return smoothing / classes + (targets.values[row] == c ? 1 - smoothing : 0);
  }

  static Result binaryCrossEntropy(Array logits, Array targets) {
    return mean(
        logits,
        targets,
        (x, t) -> Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x))),
        (x, t) -> Elements.sigmoid(x) - t,
        (x, t) -> -x);
  }

  static Result meanSquaredError(Array predictions, Array targets) {
    return mean(
        predictions,
        targets,
        (x, t) -> (x - t) * (x - t),
        (x, t) -> 2 * (x - t),
        (x, t) -> 2 * (t - x));
  }

  static Result huber(Array predictions, Array targets, double delta) {
    return mean(
        predictions,
        targets,
        (x, t) -> {
          double d = Math.abs(x - t);
          return d <= delta ? d * d / 2 : delta * (d - delta / 2);
        },
        (x, t) -> Math.max(-delta, Math.min(delta, x - t)),
        (x, t) -> Math.max(-delta, Math.min(delta, t - x)));
  }

  /** A function of a prediction and its target. */
  @FunctionalInterface
  private interface Pairwise {
    double of(double prediction, double target);
  }

  private static Result mean(
      Array predictions, Array targets, Pairwise cost, Pairwise byPrediction, Pairwise byTarget) {
    return new Result(
        Array.scalar(
            Arrays.stream(eachPair(predictions, targets, cost, 1).values).sum()
                / predictions.count()),
        dy -> {
          double factor = dy.values[0] / predictions.count();
          return List.of(
              eachPair(predictions, targets, byPrediction, factor),
              eachPair(predictions, targets, byTarget, factor));
        });
  }

  private static Array eachPair(
      Array predictions, Array targets, Pairwise function, double factor) {
    Array result = predictions.zerosLike();
    for (int i = 0; i < result.count(); i++) {
      result.values[i] = factor * function.of(predictions.values[i], targets.values[i]);
    }
    return result;
  }
}
