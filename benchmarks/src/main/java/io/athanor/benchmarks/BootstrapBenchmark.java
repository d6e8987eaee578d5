package io.athanor.benchmarks;

import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.api.eval.MetricValue;
import io.athanor.eval.Metrics;
import io.athanor.eval.metric.Bootstrap;
import io.athanor.eval.metric.Metric;
import io.athanor.eval.metric.Observations;
import io.athanor.eval.metric.Speed;
import io.athanor.tck.fixture.RandomOutcomes;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Ten metrics of 10,000 rows with ten labels, each with an interval from 1,000 resamples. Beside it
 * {@code peers/bootstrap.py} does the same with scikit-learn.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 5)
public class BootstrapBenchmark {
  private static final int ROWS = 10_000;
  private static final int LABELS = 10;

  private final Observations observations =
      new Observations(
          RandomOutcomes.labels(
              IntStream.range(0, LABELS).mapToObj(String::valueOf).toList(), ROWS, 2, 1),
          Speed.NONE);
  private final List<Metric> metrics =
      List.of(
          Metrics.accuracy(),
          Metrics.precision(),
          Metrics.recall(),
          Metrics.f1(),
          Metrics.f1().micro(),
          Metrics.f1().of("3"),
          Metrics.rocAuc(),
          Metrics.prAuc(),
          Metrics.logLoss(),
          Metrics.calibrationError());

  @Benchmark
  public List<MetricValue> tenMetrics() {
    return Bootstrap.measure(metrics, observations, new Sampling(1000, 0.95, 1));
  }
}
