package io.athanor.eval.metric;

import io.athanor.api.eval.Details.CalibrationBin;
import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;
import java.util.ArrayList;
import java.util.List;

/**
 * Expected calibration error: rows go into 15 bins of equal width by the confidence in the
 * predicted label, and the gaps between mean confidence and accuracy are averaged over rows (Guo et
 * al., "On Calibration of Modern Neural Networks", 2017).
 */
public record CalibrationError() implements OutcomeMetric {
  /** The number of bins. */
  public static final int BINS = 15;

  @Override
  public String name() {
    return "ece";
  }

  @Override
  public MetricValue.Better better() {
    return MetricValue.Better.LOWER;
  }

  @Override
  public Statistic statistic(Outcomes outcomes) {
    Outcomes.Labels labels = Observations.labels(outcomes, name());
    int[] bins = new int[labels.rows()];
    double[] gaps = new double[labels.rows()];
    for (int row = 0; row < bins.length; row++) {
      bins[row] = bin(labels.confidence(row));
      gaps[row] = labels.confidence(row) - (labels.correct(row) ? 1 : 0);
    }
    return new Statistic(
        "Expected calibration error",
        "",
        bins.length,
        weights -> {
          double[] sums = new double[BINS];
          long all = 0;
          for (int row = 0; row < bins.length; row++) {
            sums[bins[row]] += weights[row] * gaps[row];
            all += weights[row];
          }
          double error = 0;
          for (double sum : sums) {
            error += Math.abs(sum);
          }
          return error / all;
        });
  }

  private static int bin(double confidence) {
    return Math.max(0, (int) Math.ceil(confidence * BINS) - 1);
  }

  /** The bins, lowest first, empty ones included. */
  public static List<CalibrationBin> bins(Outcomes.Labels outcomes) {
    long[] counts = new long[BINS];
    double[] confidence = new double[BINS];
    double[] right = new double[BINS];
    for (int row = 0; row < outcomes.rows(); row++) {
      int bin = bin(outcomes.confidence(row));
      counts[bin]++;
      confidence[bin] += outcomes.confidence(row);
      right[bin] += outcomes.correct(row) ? 1 : 0;
    }
    List<CalibrationBin> bins = new ArrayList<>();
    for (int bin = 0; bin < BINS; bin++) {
      double n = Math.max(1, counts[bin]);
      bins.add(
          new CalibrationBin(
              (double) bin / BINS,
              (bin + 1.0) / BINS,
              counts[bin],
              confidence[bin] / n,
              right[bin] / n));
    }
    return bins;
  }
}
