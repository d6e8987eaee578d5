package io.athanor.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.Row;
import io.athanor.api.data.Rows;
import io.athanor.api.data.Schema;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.Details;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.HardRow;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.graph.Graph;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import io.athanor.tck.fixture.RandomOutcomes;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Tiny models whose answers are known run on the reference backend. */
class EvaluationTest {
  private static final Backend BACKEND =
      new ReferenceBackendProvider().open(BackendOptions.defaults());
  private static final Schema MAIL =
      new Schema(
          List.of(new Column("body", ColumnType.TEXT)),
          Optional.of(new Column("label", ColumnType.CATEGORY)));

  @AfterAll
  static void close() {
    BACKEND.close();
  }

  private record Listed(Schema schema, List<Row> rows) implements Rows {
    @Override
    public long size() {
      return rows.size();
    }

    @Override
    public Row row(long index) {
      return rows.get((int) index);
    }

    @Override
    public Digest fingerprint() {
      return Digest.ofText(rows.toString());
    }
  }

  private static Row mail(String body, String label) {
    return Row.of(Map.of("body", body, "label", label));
  }

  /** Spam words give spam; the last row is wrong on purpose. */
  private static Rows mails() {
    return new Listed(
        MAIL,
        List.of(
            mail("won prize", "spam"),
            mail("hello there", "ham"),
            mail("see you", "ham"),
            mail("prize prize winner", "spam"),
            mail("good morning", "ham"),
            mail("won won won", "ham")));
  }

  @Test
  void a_model_is_measured_on_rows() {
    List<Long> heard = new ArrayList<>();
    EvaluationReport report =
        Evaluation.of(TinyArtifacts.spam(), mails())
            .metrics(Metrics.accuracy(), Metrics.f1())
            .gate(Metrics.f1().atLeast(0.75))
            .backend(BACKEND)
            .batchSize(4)
            .listener((done, rows) -> heard.add(done))
            .run();
    assertThat(report.metric("accuracy").value()).isCloseTo(5 / 6.0, within(1e-12));
    assertThat(report.metric("f1").value()).isCloseTo(0.8, within(1e-12));
    assertThat(report.metric("f1").title()).isEqualTo("F1 of 'spam'");
    assertThat(report.passed()).isTrue();
    assertThat(heard).containsExactly(4L, 6L);
    assertThat(report.subject().weights()).contains(TinyArtifacts.spam().weightsDigest());
    assertThat(report.test().fingerprint()).isEqualTo(mails().fingerprint());
    HardRow worst = report.hardest().get(0);
    assertThat(worst.row()).isEqualTo(5);
    assertThat(worst.actual()).isEqualTo("ham");
    // Every word speaks for spam, so its logit is 12 - 2.
    assertThat(worst.score()).isCloseTo(1 / (1 + Math.exp(-10)), within(1e-6));
    assertThat(report.environment()).containsEntry("backend", BACKEND.name());
  }

  @Test
  void batch_size_does_not_change_outcomes() {
    Details[] details = new Details[2];
    for (int i = 0; i < 2; i++) {
      details[i] =
          Evaluation.of(TinyArtifacts.spam(), mails())
              .backend(BACKEND)
              .batchSize(i == 0 ? 1 : 6)
              .timedCalls(0)
              .run()
              .details();
    }
    assertThat(details[0]).isEqualTo(details[1]);
  }

  @Test
  void a_regression_is_measured_in_the_unit_of_its_target() {
    Schema schema =
        new Schema(
            List.of(new Column("area", ColumnType.NUMBER)),
            Optional.of(new Column("price", ColumnType.NUMBER)));
    // The model says 100 + 3 * area.
    Rows rows =
        new Listed(
            schema,
            List.of(
                Row.of(Map.of("area", 50, "price", 252)),
                Row.of(Map.of("area", 60, "price", 280)),
                Row.of(Map.of("area", 40, "price", 216))));
    EvaluationReport report = Evaluation.of(TinyArtifacts.prices(), rows).backend(BACKEND).run();
    assertThat(report.metric("mae").value()).isCloseTo(2, within(1e-4));
    assertThat(report.metric("rmse").value()).isCloseTo(Math.sqrt(20 / 3.0), within(1e-4));
    assertThat(report.metric("r2").low()).isLessThanOrEqualTo(report.metric("r2").value());
  }

  @Test
  void latency_and_throughput_follow_the_clock() {
    AtomicLong now = new AtomicLong();
    EvaluationReport report =
        Evaluation.of(TinyArtifacts.spam(), mails())
            .backend(BACKEND)
            .batchSize(3)
            .nanoClock(() -> now.getAndAdd(2_000_000))
            .run();
    assertThat(report.metric("latency.p50").value()).isEqualTo(2.0);
    assertThat(report.metric("latency.p99").high()).isEqualTo(2.0);
    assertThat(report.metric("throughput").value()).isCloseTo(1500, within(1e-9));
    assertThat(report.metric("throughput").unit()).isEqualTo("rows/s");
  }

  @Test
  void a_champion_predicts_the_same_rows() {
    EvaluationReport report =
        Evaluation.of(TinyArtifacts.spam(), mails())
            .backend(BACKEND)
            .gate(Metrics.noWorseThan(TinyArtifacts.spam()))
            .run();
    assertThat(report.passed()).isTrue();
    assertThat(report.decisions().get(0).sentence()).contains("on every one of the 6 rows");
  }

  @Test
  void a_running_predictor_is_measured_and_left_open() {
    try (Predictor predictor = Predictor.of(TinyArtifacts.spam(), BACKEND)) {
      EvaluationReport report =
          Evaluation.of(predictor, mails()).gate(Metrics.noWorseThan(predictor)).run();
      assertThat(report.passed()).isTrue();
      assertThat(report.subject().weights()).isEmpty();
      assertThat(predictor.predict(Row.of("body", "won"))).isNotNull();
    }
  }

  @Test
  void the_same_seed_gives_the_same_report() {
    Outcomes.Labels outcomes = RandomOutcomes.labels(List.of("a", "b"), 80, 1, 1);
    assertThat(Examples.of(outcomes).run().metrics())
        .isEqualTo(Examples.of(outcomes).run().metrics())
        .isNotEqualTo(Examples.of(outcomes).seed(12).run().metrics());
  }

  @Test
  void no_rows_are_refused() {
    assertThatThrownBy(() -> Evaluation.of(TinyArtifacts.spam(), new Listed(MAIL, List.of())))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("at least one labelled row");
  }

  @Test
  void a_row_without_target_or_with_an_unknown_label_is_named() {
    assertThatThrownBy(() -> run(mail("won", "spam"), Row.of("body", "hello")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("test row 1 (counted from 0), column 'label': has no target");
    assertThatThrownBy(() -> run(mail("won", "spam"), mail("hello", "Ham")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("label 'Ham' is not one the model knows: [ham, spam]");
  }

  @Test
  void missing_columns_are_listed_with_those_there_are() {
    Schema other =
        new Schema(
            List.of(new Column("text", ColumnType.TEXT)),
            Optional.of(new Column("label", ColumnType.NUMBER)));
    Rows rows = new Listed(other, List.of(Row.of("text", "won")));
    assertThatThrownBy(() -> Evaluation.of(TinyArtifacts.spam(), rows).backend(BACKEND).run())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("column 'body' is missing")
        .hasMessageContaining("column 'label' must be CATEGORY, is NUMBER")
        .hasMessageContaining("[text, label]");
  }

  @Test
  void answers_that_are_not_numbers_are_refused() {
    ModelArtifact sound = TinyArtifacts.spam();
    Map<String, float[]> weights = new HashMap<>();
    Graph graph = sound.graph();
    graph
        .parameters()
        .forEach(p -> weights.put(p.name(), sound.weights().tensor(p.name()).floats().clone()));
    weights.get("head.bias")[1] = Float.NaN;
    ModelArtifact broken = TinyArtifacts.artifact(graph, sound.featureEncoding(), weights);
    assertThatThrownBy(() -> Evaluation.of(broken, mails()).backend(BACKEND).run())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("test row 0")
        .hasMessageContaining("lower learning rate");
  }

  private static EvaluationReport run(Row... rows) {
    return Evaluation.of(TinyArtifacts.spam(), new Listed(MAIL, List.of(rows)))
        .backend(BACKEND)
        .run();
  }
}
