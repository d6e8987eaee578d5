package io.athanor.api.data;

import java.util.List;

/** How the target column becomes numbers, and back. */
public sealed interface TargetEncoder {
  /** The column it reads. */
  String column();

  /** The task it belongs to. */
  Task task();

  /**
   * The index of the label.
   *
   * @param column a category column
   * @param labels those of the training rows, at least two
   */
  record Label(String column, List<String> labels) implements TargetEncoder {
    public Label {
      labels = List.copyOf(labels);
    }

    @Override
    public Task task() {
      return new Task.Classification(column, labels);
    }
  }

  /**
   * {@code (x - mean) / deviation}.
   *
   * @param column a number column
   * @param mean of the training rows
   * @param deviation of the training rows, above 0
   */
  record Quantity(String column, double mean, double deviation) implements TargetEncoder {
    public Quantity {
      if (!Double.isFinite(mean) || !(deviation > 0) || !Double.isFinite(deviation)) {
        throw new IllegalArgumentException(
            "mean must be finite and deviation above 0, got " + mean + " and " + deviation);
      }
    }

    @Override
    public Task task() {
      return new Task.Regression(column);
    }
  }
}
