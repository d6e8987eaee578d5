package io.athanor.api.training;

import java.util.Arrays;
import java.util.List;

/** What training measures. */
public enum TrainingMetric {
  /** Mean loss since the evaluation before, dropout on. */
  TRAIN_LOSS("train.loss", false),
  /** Mean loss of the validation rows, dropout off. */
  VALIDATION_LOSS("validation.loss", false),
  /** Share of validation rows whose most likely label is right; classification only. */
  VALIDATION_ACCURACY("validation.accuracy", true),
  /** The exponential of the mean loss of the validation rows' tokens; generation only. */
  VALIDATION_PERPLEXITY("validation.perplexity", false);

  private final String key;
  private final boolean higherIsBetter;

  TrainingMetric(String key, boolean higherIsBetter) {
    this.key = key;
    this.higherIsBetter = higherIsBetter;
  }

  /**
   * The metric of this name.
   *
   * @throws IllegalArgumentException if there is none; lists those there are
   */
  public static TrainingMetric of(String key) {
    return Arrays.stream(values())
        .filter(metric -> metric.key.equals(key))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "metric must be one of " + keys() + ", got '" + key + "'"));
  }

  private static List<String> keys() {
    return Arrays.stream(values()).map(TrainingMetric::key).toList();
  }

  /** The name in events, artifacts and plans. */
  public String key() {
    return key;
  }

  /** Whether a value beats another by at least some amount. */
  public boolean better(double value, double than, double by) {
    return higherIsBetter ? value > than + by : value < than - by;
  }

  /** Whether it needs rows kept aside. */
  public boolean needsValidation() {
    return this != TRAIN_LOSS;
  }

  @Override
  public String toString() {
    return key;
  }
}
