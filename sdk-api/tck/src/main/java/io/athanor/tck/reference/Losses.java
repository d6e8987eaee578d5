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

  /** Targets must be checked to be classes or {@link LossOp#IGNORED}. */
  static Result sequenceLogProbability(Array logits, Array targets) {
    int classes = logits.size(-1);
    int time = targets.size(1);
    Array logarithms = Elements.logarithms(logits);
    Array y = Array.zeros(targets.size(0));
    for (int row = 0; row < targets.count(); row++) {
      if (targets.values[row] != LossOp.IGNORED) {
        y.values[row / time] += logarithms.values[row * classes + (int) targets.values[row]];
      }
    }
    return new Result(
        y,
        dy -> {
          Array dLogits = logits.zerosLike();
          for (int i = 0; i < logits.count(); i++) {
            int row = i / classes;
            if (targets.values[row] != LossOp.IGNORED) {
              double wanted = targets.values[row] == i % classes ? 1 : 0;
              dLogits.values[i] = dy.values[row / time] * (wanted - Math.exp(logarithms.values[i]));
            }
          }
          return List.of(dLogits, targets.zerosLike());
        });
  }

  static Result preference(Array model, Array reference, double beta) {
    int pairs = model.count() / 2;
    double[] leads = new double[pairs];
    double sum = 0;
    for (int i = 0; i < pairs; i++) {
      leads[i] =
          model.values[2 * i]
              - model.values[2 * i + 1]
              - (reference.values[2 * i] - reference.values[2 * i + 1]);
      sum -= Math.log(Elements.sigmoid(beta * leads[i]));
    }
    return new Result(
        Array.scalar(sum / pairs),
        dy -> {
          Array dModel = model.zerosLike();
          Array dReference = reference.zerosLike();
          for (int i = 0; i < pairs; i++) {
            double d = -dy.values[0] * beta * Elements.sigmoid(-beta * leads[i]) / pairs;
            dModel.values[2 * i] = d;
            dModel.values[2 * i + 1] = -d;
            dReference.values[2 * i] = -d;
            dReference.values[2 * i + 1] = d;
          }
          return List.of(dModel, dReference);
        });
  }

  static Result contrastive(Array x, double temperature) {
    int pairs = x.size(0) / 2;
    int size = x.size(1);
    Array scores = Array.zeros(pairs, pairs);
    Array own = Array.zeros(pairs);
    for (int i = 0; i < pairs; i++) {
      own.values[i] = i;
      for (int j = 0; j < pairs; j++) {
        for (int d = 0; d < size; d++) {
          scores.values[i * pairs + j] +=
              x.values[2 * i * size + d] * x.values[(2 * j + 1) * size + d] / temperature;
        }
      }
    }
    Result loss = crossEntropy(scores, own, 0);
    return new Result(
        loss.value(),
        dy -> {
          Array dScores = loss.backward().apply(dy).get(0);
          Array dx = x.zerosLike();
          for (int i = 0; i < pairs; i++) {
            for (int j = 0; j < pairs; j++) {
              double share = dScores.values[i * pairs + j] / temperature;
              for (int d = 0; d < size; d++) {
                int query = 2 * i * size + d;
                int found = (2 * j + 1) * size + d;
                dx.values[query] += share * x.values[found];
                dx.values[found] += share * x.values[query];
              }
            }
          }
          return List.of(dx);
        });
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
