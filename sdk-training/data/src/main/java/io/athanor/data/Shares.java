package io.athanor.data;

/**
 * How much of the rows each part gets.
 *
 * @param train above 0
 * @param validation at least 0
 * @param test at least 0; the three sum to 1
 */
record Shares(double train, double validation, double test) {
  static Shares of(double train, double validation, double test) {
    if (!(train > 0 && validation >= 0 && test >= 0)
        || Math.abs(train + validation + test - 1) > 1e-6) {
      throw new IllegalArgumentException(
          "train must be above 0, validation and test at least 0, and their sum 1, got "
              + train
              + ", "
              + validation
              + ", "
              + test);
    }
    return new Shares(train, validation, test);
  }

  double[] toArray() {
    return new double[] {train, validation, test};
  }

  @Override
  public String toString() {
    return "train " + train + ", validation " + validation + ", test " + test;
  }
}
