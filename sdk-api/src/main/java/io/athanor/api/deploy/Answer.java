package io.athanor.api.deploy;

import io.athanor.api.model.Prediction;
import java.time.Duration;

/**
 * What a deployment says about one row.
 *
 * @param model the model's name
 * @param version the model's version
 * @param prediction a label with confidence and alternatives, or a quantity
 * @param latency from the call to the answer, waiting for the batch included
 */
public record Answer(String model, String version, Prediction prediction, Duration latency) {
  /**
   * The most likely label.
   *
   * @throws IllegalStateException if the model estimates a quantity
   */
  public String label() {
    return labelled().label();
  }

  /**
   * The probability of {@link #label}, in [0, 1].
   *
   * @throws IllegalStateException if the model estimates a quantity
   */
  public double confidence() {
    return labelled().confidence();
  }

  /**
   * The estimate, in the unit of the target column.
   *
   * @throws IllegalStateException if the model gives labels
   */
  public double value() {
    if (prediction instanceof Prediction.Quantity quantity) {
      return quantity.value();
    }
    throw new IllegalStateException("Model '" + model + "' gives labels; ask for label()");
  }

  private Prediction.Label labelled() {
    if (prediction instanceof Prediction.Label label) {
      return label;
    }
    throw new IllegalStateException("Model '" + model + "' estimates a quantity; ask for value()");
  }
}
