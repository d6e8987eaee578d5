package io.athanor.eval.metric;

import io.athanor.api.eval.MetricValue;
import io.athanor.eval.metric.Speed.TimedBatch;
import java.util.List;

/** Rows predicted in a second, batch after batch, encoding included. */
public record Throughput() implements Metric {
  @Override
  public String name() {
    return "throughput";
  }

  @Override
  public MetricValue.Better better() {
    return MetricValue.Better.HIGHER;
  }

  @Override
  public String unit() {
    return "rows/s";
  }

  @Override
  public Statistic statistic(Observations observations) {
    List<TimedBatch> batches = observations.speed().batches();
    return new Statistic(
        "Throughput",
        batches.size() + " batches of up to " + largest(batches) + " rows.",
        batches.size(),
        "no batch was timed",
        weights -> {
          double rows = 0;
          double nanos = 0;
          for (int i = 0; i < weights.length; i++) {
            rows += (double) weights[i] * batches.get(i).rows();
            nanos += (double) weights[i] * batches.get(i).nanos();
          }
          return nanos == 0 ? Double.NaN : rows / nanos * 1e9;
        });
  }

  private static int largest(List<TimedBatch> batches) {
    return batches.stream().mapToInt(TimedBatch::rows).max().orElse(0);
  }
}
