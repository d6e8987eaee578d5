package io.athanor.api.eval;

/**
 * A measured number with its confidence interval.
 *
 * @param value the measured number, finite
 * @param low lower end of the interval
 * @param high upper end of the interval
 */
public record Estimate(double value, double low, double high) {
  public Estimate {
    if (!Double.isFinite(value) || !Double.isFinite(low) || !Double.isFinite(high) || low > high) {
      throw new IllegalArgumentException(
          "value, low and high must be finite and low at most high, got "
              + value
              + ", "
              + low
              + ", "
              + high);
    }
  }

  /** A number without any spread. */
  public static Estimate exact(double value) {
    return new Estimate(value, value, value);
  }
}
