package io.athanor.api.eval;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Numbers that training reported along the way, for the loss curves of a report.
 *
 * @param curves by name, for example {@code "train.loss"}; points in the order of steps
 */
public record TrainingHistory(Map<String, List<Point>> curves) {
  /** No history. */
  public static final TrainingHistory NONE = new TrainingHistory(Map.of());

  public TrainingHistory {
    Map<String, List<Point>> copy = new LinkedHashMap<>();
    curves.forEach((name, points) -> copy.put(name, List.copyOf(points)));
    curves = Collections.unmodifiableMap(copy);
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
