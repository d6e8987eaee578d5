package io.athanor.api.eval;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.data.Task;
import io.athanor.api.error.FormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;

/**
 * An {@link EvaluationReport} as JSON. Outcomes are little-endian arrays in base64, to be compact.
 * A reader ignores fields it does not know, so that an older version can read a newer report of the
 * same format.
 */
public final class ReportJson {
  /** The version this class writes, and the only one it reads. */
  public static final int FORMAT = 1;

  /** A report with more outcome numbers than this is written without its outcomes. */
  public static final int MAX_OUTCOME_NUMBERS = 2_000_000;

  private ReportJson() {}

  /**
   * Reads a report.
   *
   * @param source where the text came from, for errors
   * @throws FormatException if the text is not JSON or not such a report; names the place
   */
  public static EvaluationReport read(String source, String text) {
    return ReportReader.read(source, text);
  }

  /** The report as JSON. */
  public static ObjectNode write(EvaluationReport report) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("format", FORMAT).put("created", report.created().toString());
    json.put("passed", report.passed());
    EvaluationReport.Subject subject = report.subject();
    ObjectNode model = json.putObject("model").put("architecture", subject.architecture());
    model.put("weights", subject.weights().map(d -> d.hex()).orElse(null));
    task(model.putObject("task"), subject.task());
    json.putObject("test")
        .put("fingerprint", report.test().fingerprint().hex())
        .put("rows", report.test().rows());
    json.putObject("sampling")
        .put("resamples", report.sampling().resamples())
        .put("confidence", report.sampling().confidence())
        .put("seed", report.sampling().seed());
    list(json, "decisions", report.decisions(), ReportJson::decision);
    list(json, "metrics", report.metrics(), ReportJson::metric);
    details(json.putObject("details"), report.details());
    list(
        json,
        "hardest",
        report.hardest(),
        (item, row) ->
            item.put("row", row.row())
                .put("actual", row.actual())
                .put("predicted", row.predicted())
                .put("score", row.score()));
    ObjectNode history = json.putObject("history");
    report
        .history()
        .curves()
        .forEach(
            (name, points) -> {
              ArrayNode curve = history.putArray(name);
              points.forEach(p -> curve.addArray().add(p.step()).add(p.value()));
            });
    ObjectNode environment = json.putObject("environment");
    report.environment().forEach(environment::put);
    report.outcomes().filter(ReportJson::small).ifPresent(o -> json.set("outcomes", outcomes(o)));
    return json;
  }

  private static <T> void list(
      ObjectNode json, String name, List<T> values, BiConsumer<ObjectNode, T> writer) {
    ArrayNode array = json.putArray(name);
    values.forEach(value -> writer.accept(array.addObject(), value));
  }

  private static void task(ObjectNode json, Task task) {
    json.put("kind", task instanceof Task.Classification ? "classification" : "regression");
    json.put("target", task.target());
    if (task instanceof Task.Classification classification) {
      classification.labels().forEach(json.putArray("labels")::add);
    }
  }

  private static void metric(ObjectNode json, MetricValue metric) {
    json.put("name", metric.name()).put("title", metric.title());
    json.put("better", lower(metric.better())).put("unit", metric.unit());
    metric.estimate().ifPresent(e -> json.set("estimate", estimate(e)));
    json.put("note", metric.note());
  }

  private static void decision(ObjectNode json, GateDecision decision) {
    json.put("outcome", lower(decision.kind())).put("gate", decision.gate());
    json.put("sentence", decision.sentence());
    ObjectNode evidence = json.putObject("evidence");
    if (decision.evidence() instanceof Evidence.Threshold t) {
      evidence.put("kind", "threshold").put("metric", t.metric());
      t.observed().ifPresent(e -> evidence.set("observed", estimate(e)));
      evidence.put("threshold", t.threshold()).put("bound", lower(t.bound())).put("rows", t.rows());
    } else if (decision.evidence() instanceof Evidence.Comparison c) {
      evidence.put("kind", "comparison").put("metric", c.metric()).put("method", c.method());
      evidence.put("challenger", c.challenger()).put("champion", c.champion());
      evidence.set("difference", estimate(c.difference()));
      evidence.put("margin", c.margin()).put("pValue", c.pValue());
      evidence.put("significance", c.significance()).put("smallestLoss", c.smallestLoss());
      c.discordant()
          .ifPresent(
              d ->
                  evidence
                      .putObject("discordant")
                      .put("onlyChampionRight", d.onlyChampionRight())
                      .put("onlyChallengerRight", d.onlyChallengerRight()));
      evidence.put("rows", c.rows());
      c.championWeights().ifPresent(d -> evidence.put("championWeights", d.hex()));
    } else if (decision.evidence() instanceof Evidence.None none) {
      evidence.put("kind", "none").put("reason", none.reason());
    }
  }

  private static void details(ObjectNode json, Details details) {
    if (details instanceof Details.Classification c) {
      json.put("kind", "classification");
      ObjectNode confusion = json.putObject("confusion");
      c.confusion().labels().forEach(confusion.putArray("labels")::add);
      ArrayNode counts = confusion.putArray("counts");
      c.confusion().counts().forEach(row -> row.forEach(counts.addArray()::add));
      list(
          json,
          "classes",
          c.classes(),
          (item, s) -> {
            item.put("label", s.label())
                .put("support", s.support())
                .put("predicted", s.predicted());
            item.set("precision", estimate(s.precision()));
            item.set("recall", estimate(s.recall()));
            item.set("f1", estimate(s.f1()));
          });
      list(
          json,
          "calibration",
          c.calibration(),
          (item, b) ->
              item.put("low", b.low())
                  .put("high", b.high())
                  .put("count", b.count())
                  .put("confidence", b.confidence())
                  .put("accuracy", b.accuracy()));
      list(json, "roc", c.roc(), ReportJson::curve);
      list(json, "precisionRecall", c.precisionRecall(), ReportJson::curve);
    } else if (details instanceof Details.Regression r) {
      json.put("kind", "regression");
      points(json.putArray("scatter"), r.scatter());
      list(
          json,
          "residuals",
          r.residuals(),
          (item, b) -> item.put("low", b.low()).put("high", b.high()).put("count", b.count()));
    }
  }

  private static void curve(ObjectNode json, Details.Curve curve) {
    json.put("label", curve.label());
    curve.area().ifPresent(area -> json.put("area", area));
    points(json.putArray("points"), curve.points());
  }

  private static void points(ArrayNode json, List<Details.Point> points) {
    points.forEach(p -> json.addArray().add(p.x()).add(p.y()));
  }

  private static ObjectNode estimate(Estimate estimate) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("value", estimate.value())
        .put("low", estimate.low())
        .put("high", estimate.high());
  }

  private static boolean small(Outcomes outcomes) {
    long width = outcomes instanceof Outcomes.Labels l ? l.labels().size() + 1L : 2;
    return width * outcomes.rows() <= MAX_OUTCOME_NUMBERS;
  }

  private static ObjectNode outcomes(Outcomes outcomes) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("rows", outcomes.rows());
    if (outcomes instanceof Outcomes.Labels labels) {
      labels.labels().forEach(json.putArray("labels")::add);
      ByteBuffer actual = buffer(labels.rows() * Integer.BYTES);
      ByteBuffer probabilities = buffer(labels.rows() * labels.labels().size() * Float.BYTES);
      for (int row = 0; row < labels.rows(); row++) {
        actual.putInt(labels.actual(row));
        for (int label = 0; label < labels.labels().size(); label++) {
          probabilities.putFloat((float) labels.probability(row, label));
        }
      }
      json.put("kind", "labels").put("actual", base64(actual));
      json.put("probabilities", base64(probabilities));
    } else if (outcomes instanceof Outcomes.Quantities quantities) {
      ByteBuffer actual = buffer(quantities.rows() * Double.BYTES);
      ByteBuffer predicted = buffer(quantities.rows() * Double.BYTES);
      for (int row = 0; row < quantities.rows(); row++) {
        actual.putDouble(quantities.actual(row));
        predicted.putDouble(quantities.predicted(row));
      }
      json.put("kind", "quantities").put("actual", base64(actual));
      json.put("predicted", base64(predicted));
    }
    return json;
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static String base64(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.capacity()];
    buffer.rewind().get(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
