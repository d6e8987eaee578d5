package io.athanor.api.eval;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Task;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/** Reads what {@link ReportJson} writes, and says where a text is something else. */
final class ReportReader {
  private static final int MAX_ITEMS = 10_000_000;

  private ReportReader() {}

  static EvaluationReport read(String source, String text) {
    JsonFields json = JsonFields.parse(source, text);
    long format = json.integer("format");
    if (format != ReportJson.FORMAT) {
      throw json.fail(
          "expected format "
              + ReportJson.FORMAT
              + ", got "
              + format
              + "; read it with the version of Athanor that wrote it");
    }
    return json.checked(() -> report(json));
  }

  private static EvaluationReport report(JsonFields json) {
    JsonFields model = json.object("model");
    JsonFields test = json.object("test");
    JsonFields sampling = json.object("sampling");
    Map<String, List<Curves.Point>> curves = new LinkedHashMap<>();
    JsonFields history = json.object("history");
    for (String name : history.names()) {
      curves.put(name, points(history, name, (x, y) -> new Curves.Point(x.longValue(), y)));
    }
    Map<String, String> environment = new LinkedHashMap<>();
    JsonFields facts = json.object("environment");
    facts.names().forEach(name -> environment.put(name, facts.text(name)));
    EvaluationReport.Builder report =
        EvaluationReport.builder(
                new EvaluationReport.Subject(
                    model.text("architecture"), digest(model, "weights"), task(model)),
                new EvaluationReport.TestSet(test.digest("fingerprint"), test.integer("rows")),
                json.instant("created"),
                new EvaluationReport.Sampling(
                    sampling.smallInteger("resamples"),
                    sampling.number("confidence"),
                    sampling.integer("seed")),
                details(json.object("details")))
            .metrics(json.objects("metrics", MAX_ITEMS, ReportReader::metric))
            .decisions(json.objects("decisions", MAX_ITEMS, ReportReader::decision))
            .hardest(json.objects("hardest", MAX_ITEMS, ReportReader::hardRow))
            .history(new Curves(curves))
            .environment(environment);
    if (json.has("outcomes")) {
      report.outcomes(outcomes(json.object("outcomes")));
    }
    return report.build();
  }

  private static Task task(JsonFields model) {
    JsonFields task = model.object("task");
    return kind(task, "classification", "regression").equals("classification")
        ? new Task.Classification(task.text("target"), task.texts("labels", MAX_ITEMS))
        : new Task.Regression(task.text("target"));
  }

  private static MetricValue metric(JsonFields json) {
    return new MetricValue(
        json.text("name"),
        json.text("title"),
        json.choice("better", MetricValue.Better.class),
        json.text("unit"),
        optionalEstimate(json, "estimate"),
        json.text("note"));
  }

  private static GateDecision decision(JsonFields json) {
    String gate = json.text("gate");
    String sentence = json.text("sentence");
    Evidence evidence = evidence(json.object("evidence"));
    return switch (json.choice("outcome", GateDecision.Kind.class)) {
      case PASSED -> new GateDecision.Passed(gate, sentence, evidence);
      case FAILED -> new GateDecision.Failed(gate, sentence, evidence);
      case INCONCLUSIVE -> new GateDecision.Inconclusive(gate, sentence, evidence);
    };
  }

  private static Evidence evidence(JsonFields json) {
    return switch (kind(json, "threshold", "comparison", "none")) {
      case "threshold" ->
          new Evidence.Threshold(
              json.text("metric"),
              optionalEstimate(json, "observed"),
              json.number("threshold"),
              json.choice("bound", Evidence.Threshold.Bound.class),
              json.integer("rows"));
      case "comparison" ->
          new Evidence.Comparison(
              json.text("metric"),
              json.text("method"),
              json.number("challenger"),
              json.number("champion"),
              estimate(json, "difference"),
              json.number("margin"),
              json.number("pValue"),
              json.number("significance"),
              json.number("smallestLoss"),
              discordant(json),
              json.integer("rows"),
              digest(json, "championWeights"));
      default -> new Evidence.None(json.text("reason"));
    };
  }

  private static Optional<Evidence.Discordant> discordant(JsonFields json) {
    if (!json.has("discordant")) {
      return Optional.empty();
    }
    JsonFields counts = json.object("discordant");
    return Optional.of(
        new Evidence.Discordant(
            counts.integer("onlyChampionRight"), counts.integer("onlyChallengerRight")));
  }

  private static Details details(JsonFields json) {
    if (kind(json, "classification", "regression").equals("regression")) {
      return new Details.Regression(
          points(json, "scatter", Details.Point::new),
          json.objects(
              "residuals",
              MAX_ITEMS,
              b ->
                  new Details.HistogramBin(b.number("low"), b.number("high"), b.integer("count"))));
    }
    JsonFields confusion = json.object("confusion");
    return new Details.Classification(
        new Details.ConfusionMatrix(
            confusion.texts("labels", MAX_ITEMS),
            confusion.list("counts", MAX_ITEMS, (at, row) -> counts(confusion, row))),
        json.objects("classes", MAX_ITEMS, ReportReader::classScore),
        json.objects("calibration", MAX_ITEMS, ReportReader::calibrationBin),
        json.objects("roc", MAX_ITEMS, ReportReader::curve),
        json.objects("precisionRecall", MAX_ITEMS, ReportReader::curve));
  }

  private static Details.ClassScore classScore(JsonFields json) {
    return new Details.ClassScore(
        json.text("label"),
        json.integer("support"),
        json.integer("predicted"),
        estimate(json, "precision"),
        estimate(json, "recall"),
        estimate(json, "f1"));
  }

  private static Details.CalibrationBin calibrationBin(JsonFields json) {
    return new Details.CalibrationBin(
        json.number("low"),
        json.number("high"),
        json.integer("count"),
        json.number("confidence"),
        json.number("accuracy"));
  }

  private static Details.Curve curve(JsonFields json) {
    return new Details.Curve(
        json.text("label"),
        points(json, "points", Details.Point::new),
        json.has("area") ? Optional.of(json.number("area")) : Optional.empty());
  }

  private static HardRow hardRow(JsonFields json) {
    return new HardRow(
        json.integer("row"), json.text("actual"), json.text("predicted"), json.number("score"));
  }

  private static Outcomes outcomes(JsonFields json) {
    long rows = json.integer("rows");
    if (kind(json, "labels", "quantities").equals("quantities")) {
      return new Outcomes.Quantities(
          doubles(json, "actual", rows), doubles(json, "predicted", rows));
    }
    List<String> labels = json.texts("labels", MAX_ITEMS);
    IntBuffer indices = bytes(json, "actual", rows * Integer.BYTES).asIntBuffer();
    int[] actual = new int[indices.remaining()];
    indices.get(actual);
    FloatBuffer shares =
        bytes(json, "probabilities", rows * labels.size() * Float.BYTES).asFloatBuffer();
    float[] probabilities = new float[shares.remaining()];
    shares.get(probabilities);
    return new Outcomes.Labels(labels, actual, probabilities);
  }

  private static double[] doubles(JsonFields json, String name, long rows) {
    DoubleBuffer numbers = bytes(json, name, rows * Double.BYTES).asDoubleBuffer();
    double[] values = new double[numbers.remaining()];
    numbers.get(values);
    return values;
  }

  private static ByteBuffer bytes(JsonFields json, String name, long expected) {
    byte[] bytes = json.checked(() -> Base64.getDecoder().decode(json.text(name)));
    if (bytes.length != expected) {
      throw json.fail("'" + name + "' must be " + expected + " bytes, got " + bytes.length);
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static Optional<Estimate> optionalEstimate(JsonFields json, String name) {
    return json.has(name) ? Optional.of(estimate(json, name)) : Optional.empty();
  }

  private static Estimate estimate(JsonFields json, String name) {
    JsonFields value = json.object(name);
    return new Estimate(value.number("value"), value.number("low"), value.number("high"));
  }

  private static Optional<Digest> digest(JsonFields json, String name) {
    boolean absent = !json.has(name) || json.textOrNull(name) == null;
    return absent ? Optional.empty() : Optional.of(json.digest(name));
  }

  private static String kind(JsonFields json, String... known) {
    String kind = json.text("kind");
    if (!List.of(known).contains(kind)) {
      throw json.fail("'kind' must be one of " + List.of(known) + ", got '" + kind + "'");
    }
    return kind;
  }

  private static <T> List<T> points(
      JsonFields json, String name, BiFunction<Double, Double, T> point) {
    return json.list(
        name,
        MAX_ITEMS,
        (at, item) -> {
          if (item.size() != 2 || !item.path(0).isNumber() || !item.path(1).isNumber()) {
            throw json.fail(
                "'" + name + "' must hold points of two numbers, got " + JsonFields.describe(item));
          }
          return point.apply(item.path(0).doubleValue(), item.path(1).doubleValue());
        });
  }

  private static List<Long> counts(JsonFields json, JsonNode row) {
    List<Long> counts = new ArrayList<>();
    for (JsonNode count : row) {
      if (!count.isIntegralNumber() || !count.canConvertToLong()) {
        throw json.fail("'counts' must hold lists of integers, got " + JsonFields.describe(count));
      }
      counts.add(count.longValue());
    }
    return counts;
  }
}
