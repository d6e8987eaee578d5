package io.athanor.api.eval;

import io.athanor.api.training.TrainingHistory;
import io.athanor.api.training.TrainingMetric;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Numbers that training reported along the way, for the loss curves of a report.
 *
 * @param curves by name, for example {@code "train.loss"}; points in the order of steps
 */
public record Curves(Map<String, List<Point>> curves) {
  /** No curves. */
  public static final Curves NONE = new Curves(Map.of());

  public Curves {
    Map<String, List<Point>> copy = new LinkedHashMap<>();
    curves.forEach((name, points) -> copy.put(name, List.copyOf(points)));
    curves = Collections.unmodifiableMap(copy);
  }

  /**
   * The loss and every evaluated metric of a training run; numbers that are not finite are left
   * out.
   */
  public static Curves of(TrainingHistory history) {
    Map<String, List<Point>> curves = new LinkedHashMap<>();
    String trainLoss = TrainingMetric.TRAIN_LOSS.key();
    history.curve().forEach(p -> add(curves, trainLoss, p.step(), p.loss()));
    for (TrainingHistory.Evaluation evaluation : history.evaluations()) {
      evaluation.metrics().entrySet().stream()
          .filter(metric -> !metric.getKey().equals(trainLoss))
          .forEach(m -> add(curves, m.getKey(), evaluation.step(), m.getValue()));
    }
    return new Curves(curves);
  }

  private static void add(Map<String, List<Point>> curves, String name, long step, double value) {
    if (Double.isFinite(value)) {
      curves.computeIfAbsent(name, n -> new ArrayList<>()).add(new Point(step, value));
    }
  }

  /**
   * One number.
   *
   * @param step the optimiser step, from 1
   * @param value finite
   */
  public record Point(long step, double value) {
    public Point {
      if (!Double.isFinite(value)) {
        throw new IllegalArgumentException("value must be finite, got " + value);
      }
    }
  }
}
