package io.athanor.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.Details;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.api.eval.EvaluationReport.TestSet;
import io.athanor.api.eval.Evidence;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.GateDecision.Kind;
import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import io.athanor.eval.metric.Bootstrap;
import io.athanor.eval.metric.Gate;
import io.athanor.eval.metric.Metric;
import io.athanor.eval.metric.Observations;
import io.athanor.eval.metric.Speed;
import io.athanor.eval.metric.TestRun;
import io.athanor.tck.fixture.RandomOutcomes;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GateTest {
  private static GateDecision decide(Outcomes outcomes, Gate gate) {
    return Examples.of(outcomes).resamples(400).gate(gate).run().decisions().get(0);
  }

  private static EvaluationReport report(Outcomes outcomes) {
    return Examples.of(outcomes).resamples(100).metrics().run();
  }

  private static Outcomes.Labels right(int rows, int right) {
    boolean[] flags = new boolean[rows];
    for (int row = 0; row < right; row++) {
      flags[row] = true;
    }
    return Examples.right(flags);
  }

  @Test
  void gates_of_several_calls_all_count() {
    EvaluationReport report =
        Examples.of(RandomOutcomes.labels(List.of("ham", "spam"), 50, 1, 1))
            .gate(Metrics.accuracy().atLeast(1.1))
            .gate(Metrics.accuracy().atLeast(0))
            .run();
    assertThat(report.decisions()).hasSize(2);
    assertThat(report.passed()).isFalse();
  }

  @Test
  void too_many_labels_are_refused_at_once() {
    List<String> labels = IntStream.range(0, 2_001).mapToObj(i -> "label " + i).toList();
    Outcomes outcomes = new Outcomes.Labels(labels, new int[1], new float[2_001]);
    assertThatThrownBy(() -> Examples.of(outcomes))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("2001 labels, more than 2000");
  }

  @Test
  void thresholds_hold_the_value_against_the_bound() {
    Outcomes.Labels outcomes = right(100, 90);
    assertThat(decide(outcomes, Metrics.accuracy().atLeast(0.9)).kind()).isEqualTo(Kind.PASSED);
    GateDecision failed = decide(outcomes, Metrics.accuracy().atLeast(0.91));
    assertThat(failed).isInstanceOf(GateDecision.Failed.class);
    assertThat(failed.gate()).isEqualTo("accuracy at least 0.91");
    assertThat(failed.sentence()).contains("Accuracy is 0.9000").contains("below 0.91");
    assertThat(decide(outcomes, Metrics.calibrationError().atMost(0.1)).kind())
        .isEqualTo(Kind.PASSED);
  }

  @Test
  void with_confidence_the_whole_interval_must_meet_the_threshold() {
    Outcomes.Labels outcomes = right(100, 90);
    assertThat(decide(outcomes, Metrics.accuracy().atLeast(0.80).withConfidence()).kind())
        .isEqualTo(Kind.PASSED);
    GateDecision open = decide(outcomes, Metrics.accuracy().atLeast(0.88).withConfidence());
    assertThat(open.kind()).isEqualTo(Kind.INCONCLUSIVE);
    assertThat(open.sentence()).contains("100 rows are too few to tell");
    assertThat(decide(outcomes, Metrics.accuracy().atLeast(0.99).withConfidence()).kind())
        .isEqualTo(Kind.FAILED);
  }

  @Test
  void an_undefined_metric_is_inconclusive_and_does_not_pass() {
    Outcomes.Labels one =
        new Outcomes.Labels(List.of("a", "b"), new int[] {0, 0}, new float[] {1, 0, 1, 0});
    EvaluationReport report = Examples.of(one).gate(Metrics.rocAuc().atLeast(0.5)).run();
    assertThat(report.decisions().get(0).kind()).isEqualTo(Kind.INCONCLUSIVE);
    assertThat(report.passed()).isFalse();
  }

  @Test
  void mc_nemar_gives_the_binomial_tail() {
    // 12 rows only the champion has right, 3 only the challenger: P(X <= 3), X ~ B(15, 1/2)
    // = (1 + 15 + 105 + 455) / 32768.
    boolean[] champion = new boolean[60];
    boolean[] challenger = new boolean[60];
    for (int row = 0; row < 60; row++) {
      champion[row] = row >= 3;
      challenger[row] = row < 48;
    }
    GateDecision decision =
        decide(Examples.right(challenger), Metrics.noWorseThan(report(Examples.right(champion))));
    Evidence.Comparison evidence = (Evidence.Comparison) decision.evidence();
    assertThat(evidence.method()).isEqualTo("McNemar exact");
    assertThat(evidence.discordant()).contains(new Evidence.Discordant(12, 3));
    assertThat(evidence.pValue()).isCloseTo(576 / 32768.0, within(1e-12));
    assertThat(decision.kind()).isEqualTo(Kind.FAILED);
    assertThat(decision.sentence())
        .contains("worse by 0.1500")
        .contains("Only the champion is right on 12 rows, only this model on 3")
        .contains("p = 0.018");
  }

  @Test
  void as_good_a_model_fails_mc_nemar_no_more_often_than_the_level() {
    double failures = failures(600, 300, 0.85, 0.85, false);
    assertThat(failures).isBetween(0.01, 0.065);
  }

  @Test
  void as_good_a_model_fails_the_paired_bootstrap_about_as_often_as_the_level() {
    double failures = failures(500, 300, 0.85, 0.85, true);
    assertThat(failures).isBetween(0.02, 0.09);
  }

  @Test
  void a_planted_loss_is_noticed() {
    assertThat(failures(150, 400, 0.78, 0.88, false)).isGreaterThan(0.9);
    assertThat(failures(150, 400, 0.78, 0.88, true)).isGreaterThan(0.9);
  }

  /** How often a gate fails independent models of these true accuracies. */
  private static double failures(
      int runs, int rows, double challenger, double champion, boolean bootstrap) {
    Random random = new Random(17);
    int failed = 0;
    for (int run = 0; run < runs; run++) {
      EvaluationReport stored = stored(drawn(random, rows, champion));
      Gate gate =
          bootstrap
              ? Metrics.noWorseThan(stored).by(Metrics.accuracy())
              : Metrics.noWorseThan(stored);
      GateDecision decision = gate.decide(new Simulated(drawn(random, rows, challenger), run));
      failed += decision.kind() == Kind.FAILED ? 1 : 0;
    }
    return (double) failed / runs;
  }

  /** A report that holds outcomes and nothing else. */
  private static EvaluationReport stored(Outcomes.Labels outcomes) {
    return EvaluationReport.builder(
            new EvaluationReport.Subject(
                "", Optional.empty(), new Task.Classification("t", outcomes.labels())),
            new TestSet(Examples.FINGERPRINT, outcomes.rows()),
            Instant.EPOCH,
            new Sampling(100, 0.95, 0),
            new Details.Regression(List.of(), List.of()))
        .outcomes(outcomes)
        .build();
  }

  /** A test run with outcomes and without a model. */
  private record Simulated(Outcomes outcomes, long seed) implements TestRun {
    @Override
    public TestSet test() {
      return new TestSet(Examples.FINGERPRINT, outcomes.rows());
    }

    @Override
    public Sampling sampling() {
      return new Sampling(300, 0.95, seed);
    }

    @Override
    public MetricValue measure(Metric metric) {
      return Bootstrap.measure(List.of(metric), new Observations(outcomes, Speed.NONE), sampling())
          .get(0);
    }

    @Override
    public Outcomes outcomesOf(ModelArtifact other) {
      throw new AssertionError("there are no rows");
    }

    @Override
    public Outcomes outcomesOf(Predictor other) {
      throw new AssertionError("there are no rows");
    }
  }

  private static Outcomes.Labels drawn(Random random, int rows, double accuracy) {
    boolean[] right = new boolean[rows];
    for (int row = 0; row < rows; row++) {
      right[row] = random.nextDouble() < accuracy;
    }
    return Examples.right(right);
  }

  @Test
  void a_model_worse_by_the_margin_seldom_passes() {
    Random random = new Random(23);
    int passed = 0;
    for (int run = 0; run < 300; run++) {
      GateDecision decision =
          Metrics.noWorseThan(stored(drawn(random, 300, 0.90)))
              .by(Metrics.accuracy())
              .margin(0.05)
              .decide(new Simulated(drawn(random, 300, 0.85), run));
      passed += decision.kind() == Kind.PASSED ? 1 : 0;
    }
    assertThat(passed / 300.0).isBetween(0.01, 0.10);
  }

  @Test
  void a_margin_that_the_rows_cannot_prove_is_inconclusive() {
    Outcomes.Labels champion = RandomOutcomes.labels(List.of("a", "b"), 60, 1.5, 1);
    Outcomes.Labels challenger =
        new Outcomes.Labels(champion.labels(), actual(champion), half(champion));
    GateDecision decision =
        decide(
            challenger,
            Metrics.noWorseThan(report(champion)).by(Metrics.f1().macro()).margin(0.01));
    assertThat(decision.kind()).isNotEqualTo(Kind.PASSED);
    assertThat(((Evidence.Comparison) decision.evidence()).method()).isEqualTo("paired bootstrap");
  }

  private static int[] actual(Outcomes.Labels outcomes) {
    int[] actual = new int[outcomes.rows()];
    for (int row = 0; row < actual.length; row++) {
      actual[row] = outcomes.actual(row);
    }
    return actual;
  }

  /** The same outcomes with every fifth row turned around. */
  private static float[] half(Outcomes.Labels outcomes) {
    float[] probabilities = new float[outcomes.rows() * 2];
    for (int row = 0; row < outcomes.rows(); row++) {
      int turn = row % 5 == 0 ? 1 : 0;
      probabilities[2 * row + turn] = (float) outcomes.probability(row, 0);
      probabilities[2 * row + 1 - turn] = (float) outcomes.probability(row, 1);
    }
    return probabilities;
  }

  @Test
  void regressions_are_compared_by_mean_absolute_error() {
    EvaluationReport champion = report(Examples.numbers(200, 10, 1));
    GateDecision worse = decide(Examples.numbers(200, 20, 2), Metrics.noWorseThan(champion));
    assertThat(worse.kind()).isEqualTo(Kind.FAILED);
    assertThat(((Evidence.Comparison) worse.evidence()).difference().value()).isNegative();
    assertThat(decide(Examples.numbers(200, 5, 2), Metrics.noWorseThan(champion)).kind())
        .isEqualTo(Kind.PASSED);
  }

  @Test
  void power_is_part_of_the_evidence() {
    Outcomes.Labels few = RandomOutcomes.labels(List.of("a", "b"), 200, 1, 1);
    Outcomes.Labels other = RandomOutcomes.labels(List.of("a", "b"), 200, 1, 1);
    GateDecision same = decide(few, Metrics.noWorseThan(report(other)));
    assertThat(same.sentence()).contains("do the same on every one of the 200 rows");
    GateDecision tiny = decide(right(3, 3), Metrics.noWorseThan(report(right(3, 3))));
    assertThat(tiny.kind()).isEqualTo(Kind.INCONCLUSIVE);
    assertThat(tiny.sentence()).contains("3 rows are too few for this test ever to fail");
  }

  @Test
  void the_first_model_passes_since_there_is_no_champion() {
    GateDecision decision = decide(right(10, 1), Metrics.noWorseThan(Optional.empty()));
    assertThat(decision.kind()).isEqualTo(Kind.PASSED);
    assertThat(decision.sentence()).contains("no champion yet");
  }

  @Test
  void a_report_of_other_rows_is_refused_naming_both_fingerprints() {
    Digest other = Digest.ofText("other rows");
    EvaluationReport stored = Evaluation.of("target", right(10, 5), other).run();
    assertThatThrownBy(() -> decide(right(10, 5), Metrics.noWorseThan(stored)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(other.hex())
        .hasMessageContaining(Examples.FINGERPRINT.hex());
  }

  @Test
  void a_champion_that_knows_fewer_labels_is_wrong_on_the_new_one() {
    Outcomes.Labels champion =
        new Outcomes.Labels(
            List.of("b", "a", "c"),
            new int[] {0, 1, 2, 0, 1, 2},
            new float[] {1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0});
    Outcomes.Labels challenger =
        new Outcomes.Labels(
            List.of("a", "b", "c"),
            new int[] {1, 0, 2, 1, 0, 2},
            new float[] {0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1});
    GateDecision decision = decide(challenger, Metrics.noWorseThan(report(champion)));
    assertThat(((Evidence.Comparison) decision.evidence()).discordant())
        .contains(new Evidence.Discordant(0, 2));
  }

  @Test
  void settings_out_of_range_are_refused() {
    assertThatThrownBy(() -> Metrics.noWorseThan(Optional.empty()).margin(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("margin must be above 0");
    assertThatThrownBy(() -> Metrics.f1().atLeast(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("threshold must be finite");
  }
}
