package io.athanor.eval.metric;

import io.athanor.api.eval.Estimate;
import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.api.eval.MetricValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The percentile bootstrap (Efron, 1979): units are drawn with replacement, as many as there are,
 * and the spread of the replicates is taken for the spread of the metric. One draw serves every
 * statistic of the same size, and the same seed gives the same draws, so that replicates of two
 * models on the same rows are paired. A biased metric (calibration error on few rows) can lie
 * outside its own interval.
 */
public final class Bootstrap {
  private Bootstrap() {}

  /** Several numbers from one draw. */
  @FunctionalInterface
  public interface Replicate {
    void compute(int[] weights, double[] results);
  }

  /**
   * Replicates of several numbers.
   *
   * @param units how many units are drawn from and drawn, at least 1
   * @param results how many numbers a replicate has
   * @return {@code [results][resamples]}
   */
  public static double[][] replicates(
      int units, int results, Sampling sampling, Replicate replicate) {
    SplittableRandom random = new SplittableRandom(sampling.seed());
    double[][] all = new double[results][sampling.resamples()];
    int[] weights = new int[units];
    double[] one = new double[results];
    for (int r = 0; r < sampling.resamples(); r++) {
      Arrays.fill(weights, 0);
      for (int i = 0; i < units; i++) {
        weights[random.nextInt(units)]++;
      }
      replicate.compute(weights, one);
      for (int k = 0; k < results; k++) {
        all[k][r] = one[k];
      }
    }
    return all;
  }

  /** Measures metrics, each with its interval, in their order. */
  public static List<MetricValue> measure(
      List<Metric> metrics, Observations observations, Sampling sampling) {
    List<Statistic> statistics = metrics.stream().map(m -> m.statistic(observations)).toList();
    Map<Integer, List<Integer>> bySize = new LinkedHashMap<>();
    for (int i = 0; i < statistics.size(); i++) {
      bySize.computeIfAbsent(statistics.get(i).units(), size -> new ArrayList<>()).add(i);
    }
    MetricValue[] values = new MetricValue[metrics.size()];
    bySize.forEach(
        (units, members) -> {
          double[][] replicates =
              units == 0
                  ? new double[members.size()][0]
                  : replicates(
                      units,
                      members.size(),
                      sampling,
                      (weights, results) -> {
                        for (int k = 0; k < results.length; k++) {
                          results[k] = statistics.get(members.get(k)).value(weights);
                        }
                      });
          for (int k = 0; k < members.size(); k++) {
            int i = members.get(k);
            values[i] = value(metrics.get(i), statistics.get(i), replicates[k], sampling);
          }
        });
    return List.of(values);
  }

  private static MetricValue value(
      Metric metric, Statistic statistic, double[] replicates, Sampling sampling) {
    double value = statistic.units() == 0 ? Double.NaN : statistic.value(ones(statistic.units()));
    Optional<Estimate> estimate = Optional.empty();
    String note = statistic.note();
    if (Double.isNaN(value)) {
      note = statistic.undefined();
    } else {
      estimate = Optional.of(estimate(value, replicates, sampling.confidence()));
      long undefined = Arrays.stream(replicates).filter(Double::isNaN).count();
      if (undefined > 0) {
        note =
            (note.isEmpty() ? "" : note + " ")
                + undefined
                + " of "
                + replicates.length
                + " resamples had no value and are left out of the interval.";
      }
    }
    return new MetricValue(
        metric.name(), statistic.title(), metric.better(), metric.unit(), estimate, note);
  }

  /**
   * A value with the percentile interval of its replicates; those that are NaN are left out.
   *
   * @param confidence level of the interval, in (0, 1)
   */
  public static Estimate estimate(double value, double[] replicates, double confidence) {
    double[] sorted = Arrays.stream(replicates).filter(r -> !Double.isNaN(r)).sorted().toArray();
    if (sorted.length == 0) {
      return Estimate.exact(value);
    }
    double tail = (1 - confidence) / 2;
    return new Estimate(value, quantile(sorted, tail), quantile(sorted, 1 - tail));
  }

  /** The quantile of sorted numbers, interpolated as R's type 7 and NumPy do. */
  static double quantile(double[] sorted, double share) {
    double at = share * (sorted.length - 1);
    int below = (int) Math.floor(at);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }

  /** Every unit once. */
  public static int[] ones(int units) {
    int[] ones = new int[units];
    Arrays.fill(ones, 1);
    return ones;
  }
}
