package io.athanor.eval;

import io.athanor.api.data.Task;
import io.athanor.eval.metric.Metric;
import io.athanor.eval.metric.Observations;
import java.util.ArrayList;
import java.util.List;

/** What is measured unless somebody chooses. */
final class DefaultMetrics {
  private DefaultMetrics() {}

  static List<Metric> of(Task task, Observations observations) {
    List<Metric> metrics = new ArrayList<>();
    if (task instanceof Task.Classification classification) {
      metrics.add(Metrics.accuracy());
      metrics.add(Metrics.f1());
      if (classification.labels().size() == 2) {
        metrics.add(Metrics.precision());
        metrics.add(Metrics.recall());
        metrics.add(Metrics.f1().macro());
      } else {
        metrics.add(Metrics.precision().macro());
        metrics.add(Metrics.recall().macro());
        metrics.add(Metrics.f1().micro());
      }
      metrics.add(Metrics.rocAuc());
      metrics.add(Metrics.prAuc());
      metrics.add(Metrics.logLoss());
      metrics.add(Metrics.calibrationError());
    } else {
      metrics.add(Metrics.mae());
      metrics.add(Metrics.rmse());
      metrics.add(Metrics.r2());
    }
    if (!observations.speed().calls().isEmpty()) {
      metrics.add(Metrics.latency(50));
      metrics.add(Metrics.latency(95));
      metrics.add(Metrics.latency(99));
      metrics.add(Metrics.throughput());
    }
    return metrics;
  }
}
