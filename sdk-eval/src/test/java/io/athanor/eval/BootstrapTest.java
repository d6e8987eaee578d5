package io.athanor.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;
import io.athanor.eval.metric.Bootstrap;
import io.athanor.eval.metric.Metric;
import io.athanor.eval.metric.Observations;
import io.athanor.eval.metric.Speed;
import io.athanor.tck.fixture.RandomOutcomes;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class BootstrapTest {
  @Test
  void the_interval_of_a_share_is_that_of_the_binomial() {
    boolean[] right = new boolean[1000];
    for (int row = 0; row < 900; row++) {
      right[row] = true;
    }
    MetricValue accuracy =
        Examples.of(Examples.right(right)).resamples(4000).run().metric("accuracy");
    double deviation = Math.sqrt(0.9 * 0.1 / 1000);
    assertThat(accuracy.low()).isCloseTo(0.9 - 1.96 * deviation, within(0.002));
    assertThat(accuracy.high()).isCloseTo(0.9 + 1.96 * deviation, within(0.002));
  }

  @Test
  void intervals_cover_the_truth_about_as_often_as_they_say() {
    Random random = new Random(31);
    int covered = 0;
    for (int run = 0; run < 300; run++) {
      boolean[] right = new boolean[200];
      for (int row = 0; row < right.length; row++) {
        right[row] = random.nextDouble() < 0.8;
      }
      MetricValue accuracy =
          Examples.of(Examples.right(right))
              .seed(run)
              .resamples(400)
              .metrics(Metrics.accuracy())
              .run()
              .metric("accuracy");
      covered += accuracy.low() <= 0.8 && 0.8 <= accuracy.high() ? 1 : 0;
    }
    assertThat(covered / 300.0).isBetween(0.90, 0.98);
  }

  @Test
  void every_resample_draws_as_many_units_as_there_are() {
    double[][] sums =
        Bootstrap.replicates(
            37,
            1,
            new Sampling(200, 0.95, 3),
            (weights, results) -> results[0] = java.util.stream.IntStream.of(weights).sum());
    assertThat(sums[0]).hasSize(200).containsOnly(37.0);
  }

  @Test
  @Tag("heavy")
  void ten_metrics_of_ten_thousand_rows_have_intervals() {
    Outcomes.Labels outcomes = RandomOutcomes.labels(Examples.digits(), 10_000, 2, 1);
    List<Metric> metrics =
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
    List<MetricValue> values =
        Bootstrap.measure(
            metrics, new Observations(outcomes, Speed.NONE), new Sampling(1000, 0.95, 1));
    assertThat(values).hasSize(10).allMatch(v -> v.low() < v.high());
  }
}
