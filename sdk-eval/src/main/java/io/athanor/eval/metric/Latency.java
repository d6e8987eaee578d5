package io.athanor.eval.metric;

import io.athanor.api.eval.MetricValue;
import java.util.List;

/**
 * A quantile of the time one prediction of one row takes, encoding included, in milliseconds.
 *
 * @param percent in [1, 99]
 */
public record Latency(int percent) implements Metric {
  public Latency {
    if (percent < 1 || percent > 99) {
      throw new IllegalArgumentException("percent must be in [1, 99], got " + percent);
    }
  }

  @Override
  public String name() {
    return "latency.p" + percent;
  }

  @Override
  public MetricValue.Better better() {
    return MetricValue.Better.LOWER;
  }

  @Override
  public String unit() {
    return "ms";
  }

  @Override
  public Statistic statistic(Observations observations) {
    List<Long> nanos = observations.speed().calls().stream().sorted().toList();
    double[] sorted = nanos.stream().mapToDouble(n -> n / 1e6).toArray();
    return new Statistic(
        "Latency, " + (percent == 50 ? "median" : percent + "th percentile"),
        sorted.length + " single-row predictions.",
        sorted.length,
        "no single prediction was timed",
        weights -> quantile(sorted, weights));
  }

  private double quantile(double[] sorted, int[] weights) {
    double[] drawn = new double[sorted.length];
    int at = 0;
    for (int i = 0; i < sorted.length; i++) {
      for (int k = 0; k < weights[i]; k++) {
        drawn[at++] = sorted[i];
      }
    }
    return Bootstrap.quantile(drawn, percent / 100.0);
  }
}
