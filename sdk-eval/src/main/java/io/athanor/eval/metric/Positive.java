package io.athanor.eval.metric;

import io.athanor.api.error.NotFoundException;
import io.athanor.api.eval.Outcomes.Labels;

/** Which label counts as positive. */
public final class Positive {
  private Positive() {}

  /**
   * Index of the rarer of two labels among the actual ones; the later one where both are equally
   * frequent.
   */
  public static int rarer(Labels outcomes) {
    long second = 0;
    for (int row = 0; row < outcomes.rows(); row++) {
      second += outcomes.actual(row);
    }
    return 2 * second <= outcomes.rows() ? 1 : 0;
  }

  static int index(Labels outcomes, String label) {
    int index = outcomes.labels().indexOf(label);
    if (index < 0) {
      throw new NotFoundException(
          "label '" + label + "' in the model", outcomes.labels(), "Name one of these");
    }
    return index;
  }
}
