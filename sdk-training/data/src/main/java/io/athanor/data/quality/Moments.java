package io.athanor.data.quality;

/** Mean and deviation of numbers seen once (Welford 1962). Used by one thread. */
public final class Moments {
  private long count;
  private double mean;
  private double squares;

  /** Sees a number. */
  public void add(double number) {
    count++;
    double before = number - mean;
    mean += before / count;
    squares += before * (number - mean);
  }

  public long count() {
    return count;
  }

  /** NaN if there were no numbers. */
  public double mean() {
    return count == 0 ? Double.NaN : mean;
  }

  /** That of the population; NaN if there were no numbers. */
  public double deviation() {
    return count == 0 ? Double.NaN : Math.sqrt(squares / count);
  }
}
