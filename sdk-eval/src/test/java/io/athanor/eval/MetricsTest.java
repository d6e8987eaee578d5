package io.athanor.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.Details;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.Outcomes;
import io.athanor.eval.metric.AreaMetric;
import io.athanor.eval.metric.Bootstrap;
import io.athanor.eval.metric.ClassMetric;
import io.athanor.eval.metric.OutcomeMetric;
import io.athanor.tck.fixture.RandomOutcomes;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The fixture holds scikit-learn's answers; make_fixtures.py beside the tests makes it. */
class MetricsTest {
  private static JsonNode fixture() throws IOException {
    try (InputStream in = MetricsTest.class.getResourceAsStream("/metrics.json")) {
      return new JsonMapper().readTree(in);
    }
  }

  static Stream<Arguments> cases() throws IOException {
    return fixture()
        .get("classification")
        .valueStream()
        .map(c -> Arguments.of(c.get("name").asText(), c));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void classification_metrics_are_those_of_scikit_learn(String name, JsonNode json) {
    Outcomes.Labels outcomes = outcomes(json);
    JsonNode expected = json.get("expected");
    Map<String, OutcomeMetric> metrics = metrics(outcomes.labels());
    int checked = 0;
    for (Map.Entry<String, JsonNode> entry : expected.properties()) {
      OutcomeMetric metric = metrics.get(entry.getKey());
      if (metric != null) {
        assertThat(value(metric, outcomes))
            .as(entry.getKey())
            .isCloseTo(entry.getValue().asDouble(), within(1e-7));
        checked++;
      }
    }
    assertThat(checked).isEqualTo(expected.size()).isGreaterThan(18);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void the_confusion_matrix_is_that_of_scikit_learn(String name, JsonNode json) {
    Details.Classification details =
        (Details.Classification) Examples.of(outcomes(json)).resamples(100).run().details();
    for (int a = 0; a < json.get("confusion").size(); a++) {
      for (int p = 0; p < json.get("confusion").size(); p++) {
        assertThat(details.confusion().count(a, p))
            .isEqualTo(json.get("confusion").get(a).get(p).asLong());
      }
    }
  }

  @Test
  void regression_metrics_are_those_of_scikit_learn() throws IOException {
    JsonNode json = fixture().get("regression");
    Outcomes outcomes =
        new Outcomes.Quantities(doubles(json.get("actual")), doubles(json.get("predicted")));
    for (OutcomeMetric metric : List.of(Metrics.mae(), Metrics.rmse(), Metrics.r2())) {
      assertThat(value(metric, outcomes))
          .as(metric.name())
          .isCloseTo(json.get("expected").get(metric.name()).asDouble(), within(1e-9));
    }
  }

  @Test
  void weights_count_a_row_as_often_as_repeating_it() {
    Outcomes.Labels once = RandomOutcomes.labels(List.of("a", "b", "c"), 40, 1, 4);
    int[] weights = IntStream.range(0, 40).map(row -> row % 4).toArray();
    int[] rows =
        IntStream.range(0, 40)
            .flatMap(row -> IntStream.generate(() -> row).limit(weights[row]))
            .toArray();
    int[] actual = IntStream.of(rows).map(once::actual).toArray();
    float[] probabilities = new float[rows.length * 3];
    for (int i = 0; i < probabilities.length; i++) {
      probabilities[i] = (float) once.probability(rows[i / 3], i % 3);
    }
    Outcomes.Labels repeated = new Outcomes.Labels(once.labels(), actual, probabilities);
    metrics(once.labels())
        .forEach(
            (name, metric) ->
                assertThat(metric.statistic(once).value(weights))
                    .as(name)
                    .isCloseTo(value(metric, repeated), within(1e-12)));
  }

  @Test
  void an_area_with_one_label_in_the_rows_is_undefined_with_a_reason() {
    Outcomes.Labels outcomes =
        new Outcomes.Labels(
            List.of("ham", "spam"), new int[] {0, 0}, new float[] {0.9f, 0.1f, 0.4f, 0.6f});
    EvaluationReport report = Examples.of(outcomes).metrics(Metrics.rocAuc()).run();
    assertThat(report.metric("roc-auc").estimate()).isEmpty();
    assertThatThrownBy(() -> report.metric("roc-auc").value())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("no test row, or every one, is 'spam'");
  }

  @Test
  void a_zero_denominator_counts_as_zero_and_is_noted() {
    Outcomes.Labels never =
        new Outcomes.Labels(
            List.of("ham", "spam"), new int[] {0, 0, 1}, new float[] {1, 0, 1, 0, 1, 0});
    EvaluationReport report = Examples.of(never).metrics(Metrics.precision(), Metrics.f1()).run();
    assertThat(report.metric("precision").value()).isZero();
    assertThat(report.metric("precision").note()).contains("'spam' was never predicted");
  }

  @Test
  void plain_f1_of_two_labels_names_the_rarer_one() {
    EvaluationReport report =
        Examples.of(RandomOutcomes.labels(List.of("ham", "spam"), 100, 2, 1))
            .metrics(Metrics.f1(), Metrics.f1().of("spam"))
            .run();
    assertThat(report.metric("f1").title()).isEqualTo("F1 of 'spam'");
    assertThat(report.metric("f1").value()).isEqualTo(report.metric("f1[spam]").value());
  }

  @Test
  void a_metric_of_the_other_task_or_of_an_unknown_label_is_refused() {
    Outcomes.Quantities numbers = Examples.numbers(10, 1, 1);
    assertThatThrownBy(() -> Examples.of(numbers).metrics(Metrics.accuracy()).run())
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("Use mae()");
    Outcomes.Labels labels = RandomOutcomes.labels(List.of("ham", "spam"), 10, 1, 1);
    assertThatThrownBy(() -> Examples.of(labels).metrics(Metrics.f1().of("Spam")).run())
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("there is ham, spam");
  }

  @Test
  void constant_targets_leave_r2_undefined() {
    Outcomes outcomes = new Outcomes.Quantities(new double[] {3, 3}, new double[] {3, 4});
    assertThat(Examples.of(outcomes).run().metric("r2").note()).contains("same target");
    double[] tenths = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    Outcomes inexact = new Outcomes.Quantities(tenths, new double[] {0, 0, 0, 0, 0, 1});
    assertThat(Examples.of(inexact).run().metric("r2").estimate()).isEmpty();
  }

  private static double value(OutcomeMetric metric, Outcomes outcomes) {
    return metric.statistic(outcomes).value(Bootstrap.ones(outcomes.rows()));
  }

  private static Map<String, OutcomeMetric> metrics(List<String> labels) {
    Map<String, OutcomeMetric> all = new HashMap<>();
    Stream.<OutcomeMetric>of(Metrics.accuracy(), Metrics.logLoss(), Metrics.calibrationError())
        .forEach(metric -> all.put(metric.name(), metric));
    for (ClassMetric metric : List.of(Metrics.precision(), Metrics.recall(), Metrics.f1())) {
      Stream.of(metric, metric.macro(), metric.micro()).forEach(m -> all.put(m.name(), m));
      labels.forEach(label -> all.put(metric.of(label).name(), metric.of(label)));
    }
    for (AreaMetric metric : List.of(Metrics.rocAuc(), Metrics.prAuc())) {
      all.put(metric.name(), metric);
      labels.forEach(label -> all.put(metric.of(label).name(), metric.of(label)));
    }
    return all;
  }

  private static Outcomes.Labels outcomes(JsonNode json) {
    JsonNode rows = json.get("probabilities");
    int width = rows.get(0).size();
    float[] probabilities = new float[rows.size() * width];
    int[] actual = new int[rows.size()];
    for (int i = 0; i < probabilities.length; i++) {
      probabilities[i] = (float) rows.get(i / width).get(i % width).asDouble();
    }
    for (int row = 0; row < actual.length; row++) {
      actual[row] = json.get("actual").get(row).asInt();
    }
    List<String> labels = IntStream.range(0, width).mapToObj(String::valueOf).toList();
    return new Outcomes.Labels(labels, actual, probabilities);
  }

  private static double[] doubles(JsonNode list) {
    return list.valueStream().mapToDouble(JsonNode::asDouble).toArray();
  }
}
