package io.athanor.deploy.monitor;

import io.athanor.api.data.Trait;
import java.util.Locale;

/**
 * How far a trait has moved from its baseline.
 *
 * @param trait what was watched
 * @param test how
 * @param rows the values in the window
 * @param statistic of the test: the largest distance of the two distribution functions, chi-square,
 *     or the maximum mean discrepancy
 * @param pValue how likely so large a statistic is by chance; for discrepancies at most that
 * @param adjusted the same with regard to the other traits in the report
 * @param stability the population stability index; NaN for embeddings
 * @param drifted whether that is beyond the limits
 */
public record TraitDrift(
    Trait trait,
    Test test,
    long rows,
    double statistic,
    double pValue,
    double adjusted,
    double stability,
    boolean drifted) {
  /** How distributions are compared. */
  public enum Test {
    /** Two samples of numbers, at the baseline's cuts. */
    KOLMOGOROV_SMIRNOV,
    /** Two samples of words (Pearson). */
    CHI_SQUARE,
    /**
     * Two samples of vectors, in the space of a kernel (Gretton et al., "A Kernel Two-Sample Test",
     * 2012).
     */
    MEAN_DISCREPANCY
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s%s: %s %.4g, p %.3g (adjusted %.3g)%s, %d rows",
        drifted ? "DRIFT " : "",
        trait,
        test.name().toLowerCase(Locale.ROOT).replace('_', ' '),
        statistic,
        pValue,
        adjusted,
        Double.isNaN(stability)
            ? ""
            : String.format(Locale.ROOT, ", stability index %.3f", stability),
        rows);
  }
}
