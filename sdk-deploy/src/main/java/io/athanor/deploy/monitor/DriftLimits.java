package io.athanor.deploy.monitor;

/**
 * From where on a difference is drift: it must be too large to be chance and large enough to
 * matter. With many rows every difference is more than chance, so both are asked.
 *
 * @param significance the share of alarms that may be false, among all traits (Benjamini and
 *     Hochberg, "Controlling the False Discovery Rate", 1995); in (0, 1)
 * @param stability the population stability index of a shift that matters, above 0
 * @param distance the Kolmogorov-Smirnov distance of a shift that matters, in (0, 1)
 * @param discrepancy the maximum mean discrepancy of embeddings that matters, in (0, 2)
 * @param rows how many values must be there before anything is said; at least 1
 */
public record DriftLimits(
    double significance, double stability, double distance, double discrepancy, long rows) {
  /**
   * One false alarm in a hundred; an index of 0.25, as Siddiqi, "Credit Risk Scorecards" (2006),
   * has it for a large shift; distances of 0.15; two hundred rows.
   */
  public static final DriftLimits DEFAULT = new DriftLimits(0.01, 0.25, 0.15, 0.15, 200);

  public DriftLimits {
    within("significance", significance, 1);
    within("stability", stability, Double.MAX_VALUE);
    within("distance", distance, 1);
    within("discrepancy", discrepancy, 2);
    if (rows < 1) {
      throw new IllegalArgumentException("rows must be at least 1, got " + rows);
    }
  }

  private static void within(String name, double value, double below) {
    if (!(value > 0 && value < below)) {
      throw new IllegalArgumentException(
          name + " must be above 0 and below " + below + ", got " + value);
    }
  }
}
