package io.athanor.api.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Task;
import io.athanor.api.error.FormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Reads what {@link ReportJson} writes, and says where a text is something else. */
final class ReportReader {
  private static final ObjectReader READER =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build().reader();

  private final String source;

  ReportReader(String source) {
    this.source = source;
  }

  EvaluationReport read(String text) {
    JsonNode json;
    try {
      json = READER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new FormatException(source, "is not JSON: " + e.getOriginalMessage(), e);
    }
    if (!json.isObject()) {
      throw fail("expected an evaluation report, got another JSON value");
    }
    long format = integer(json, "format");
    if (format != ReportJson.FORMAT) {
      throw fail(
          "expected format "
              + ReportJson.FORMAT
              + ", got "
              + format
              + "; read it with the version of Athanor that wrote it");
    }
    try {
      return report(json);
    } catch (IllegalArgumentException | DateTimeParseException e) {
      throw new FormatException(source, "holds a value that cannot be: " + e.getMessage(), e);
    }
  }

  private EvaluationReport report(JsonNode json) {
    JsonNode model = object(json, "model");
    JsonNode test = object(json, "test");
    JsonNode sampling = object(json, "sampling");
    Map<String, List<Curves.Point>> curves = new LinkedHashMap<>();
    JsonNode history = object(json, "history");
    for (String name : names(history)) {
      curves.put(name, list(history, name, p -> new Curves.Point(step(p), y(p))));
    }
    Map<String, String> environment = new LinkedHashMap<>();
    JsonNode facts = object(json, "environment");
    names(facts).forEach(name -> environment.put(name, text(facts, name)));
    EvaluationReport.Builder report =
        EvaluationReport.builder(
                new EvaluationReport.Subject(
                    text(model, "architecture"), digest(model, "weights"), task(model)),
                new EvaluationReport.TestSet(
                    new Digest(text(test, "fingerprint")), integer(test, "rows")),
                Instant.parse(text(json, "created")),
                new EvaluationReport.Sampling(
                    (int) integer(sampling, "resamples"),
                    number(sampling, "confidence"),
                    integer(sampling, "seed")),
                details(object(json, "details")))
            .metrics(list(json, "metrics", this::metric))
            .decisions(list(json, "decisions", this::decision))
            .hardest(list(json, "hardest", this::hardRow))
            .history(new Curves(curves))
            .environment(environment);
    if (json.has("outcomes")) {
      report.outcomes(outcomes(object(json, "outcomes")));
    }
    return report.build();
  }

  private Task task(JsonNode model) {
    JsonNode task = object(model, "task");
    return kind(task, "classification", "regression").equals("classification")
        ? new Task.Classification(text(task, "target"), texts(task, "labels"))
        : new Task.Regression(text(task, "target"));
  }

  private MetricValue metric(JsonNode json) {
    String better = text(json, "better");
    return new MetricValue(
        text(json, "name"),
        text(json, "title"),
        better.equals("higher") ? MetricValue.Better.HIGHER : MetricValue.Better.LOWER,
        text(json, "unit"),
        optionalEstimate(json, "estimate"),
        text(json, "note"));
  }

  private GateDecision decision(JsonNode json) {
    String gate = text(json, "gate");
    String sentence = text(json, "sentence");
    Evidence evidence = evidence(object(json, "evidence"));
    String outcome = text(json, "outcome");
    return switch (outcome) {
      case "passed" -> new GateDecision.Passed(gate, sentence, evidence);
      case "failed" -> new GateDecision.Failed(gate, sentence, evidence);
      case "inconclusive" -> new GateDecision.Inconclusive(gate, sentence, evidence);
      default -> throw fail("unknown outcome '" + outcome + "' of gate '" + gate + "'");
    };
  }

  private Evidence evidence(JsonNode json) {
    return switch (kind(json, "threshold", "comparison", "none")) {
      case "threshold" ->
          new Evidence.Threshold(
              text(json, "metric"),
              optionalEstimate(json, "observed"),
              number(json, "threshold"),
              text(json, "bound").equals("interval")
                  ? Evidence.Threshold.Bound.INTERVAL
                  : Evidence.Threshold.Bound.VALUE,
              integer(json, "rows"));
      case "comparison" ->
          new Evidence.Comparison(
              text(json, "metric"),
              text(json, "method"),
              number(json, "challenger"),
              number(json, "champion"),
              estimate(json, "difference"),
              number(json, "margin"),
              number(json, "pValue"),
              number(json, "significance"),
              number(json, "smallestLoss"),
              discordant(json),
              integer(json, "rows"),
              digest(json, "championWeights"));
      default -> new Evidence.None(text(json, "reason"));
    };
  }

  private Optional<Evidence.Discordant> discordant(JsonNode json) {
    if (!json.has("discordant")) {
      return Optional.empty();
    }
    JsonNode counts = object(json, "discordant");
    return Optional.of(
        new Evidence.Discordant(
            integer(counts, "onlyChampionRight"), integer(counts, "onlyChallengerRight")));
  }

  private Details details(JsonNode json) {
    if (kind(json, "classification", "regression").equals("regression")) {
      return new Details.Regression(
          list(json, "scatter", p -> new Details.Point(x(p), y(p))),
          list(
              json,
              "residuals",
              b ->
                  new Details.HistogramBin(
                      number(b, "low"), number(b, "high"), integer(b, "count"))));
    }
    JsonNode confusion = object(json, "confusion");
    return new Details.Classification(
        new Details.ConfusionMatrix(
            texts(confusion, "labels"),
            list(confusion, "counts", row -> elements(row, "counts", JsonNode::asLong))),
        list(json, "classes", this::classScore),
        list(json, "calibration", this::calibrationBin),
        list(json, "roc", this::curve),
        list(json, "precisionRecall", this::curve));
  }

  private Details.ClassScore classScore(JsonNode json) {
    return new Details.ClassScore(
        text(json, "label"),
        integer(json, "support"),
        integer(json, "predicted"),
        estimate(json, "precision"),
        estimate(json, "recall"),
        estimate(json, "f1"));
  }

  private Details.CalibrationBin calibrationBin(JsonNode json) {
    return new Details.CalibrationBin(
        number(json, "low"),
        number(json, "high"),
        integer(json, "count"),
        number(json, "confidence"),
        number(json, "accuracy"));
  }

  private Details.Curve curve(JsonNode json) {
    return new Details.Curve(
        text(json, "label"),
        list(json, "points", p -> new Details.Point(x(p), y(p))),
        json.has("area") ? Optional.of(number(json, "area")) : Optional.empty());
  }

  private HardRow hardRow(JsonNode json) {
    return new HardRow(
        integer(json, "row"), text(json, "actual"), text(json, "predicted"), number(json, "score"));
  }

  private Outcomes outcomes(JsonNode json) {
    long rows = integer(json, "rows");
    if (kind(json, "labels", "quantities").equals("quantities")) {
      return new Outcomes.Quantities(
          doubles(json, "actual", rows), doubles(json, "predicted", rows));
    }
    List<String> labels = texts(json, "labels");
    int[] actual = new int[bytes(json, "actual", rows * Integer.BYTES).asIntBuffer().remaining()];
    bytes(json, "actual", rows * Integer.BYTES).asIntBuffer().get(actual);
    ByteBuffer bytes = bytes(json, "probabilities", rows * labels.size() * Float.BYTES);
    float[] probabilities = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(probabilities);
    return new Outcomes.Labels(labels, actual, probabilities);
  }

  private double[] doubles(JsonNode json, String name, long rows) {
    ByteBuffer bytes = bytes(json, name, rows * Double.BYTES);
    double[] values = new double[bytes.remaining() / Double.BYTES];
    bytes.asDoubleBuffer().get(values);
    return values;
  }

  private ByteBuffer bytes(JsonNode json, String name, long expected) {
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(text(json, name));
    } catch (IllegalArgumentException e) {
      throw new FormatException(source, "outcomes '" + name + "' is not base64", e);
    }
    if (bytes.length != expected) {
      throw fail("outcomes '" + name + "' must be " + expected + " bytes, got " + bytes.length);
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private Optional<Estimate> optionalEstimate(JsonNode json, String name) {
    return json.has(name) ? Optional.of(estimate(json, name)) : Optional.empty();
  }

  private Estimate estimate(JsonNode json, String name) {
    JsonNode value = object(json, name);
    return new Estimate(number(value, "value"), number(value, "low"), number(value, "high"));
  }

  private Optional<Digest> digest(JsonNode json, String name) {
    return json.hasNonNull(name) ? Optional.of(new Digest(text(json, name))) : Optional.empty();
  }

  private String kind(JsonNode json, String... known) {
    String kind = text(json, "kind");
    if (!List.of(known).contains(kind)) {
      throw fail("'kind' must be one of " + List.of(known) + ", got '" + kind + "'");
    }
    return kind;
  }

  private long step(JsonNode point) {
    return (long) x(point);
  }

  private double x(JsonNode point) {
    return coordinate(point, 0);
  }

  private double y(JsonNode point) {
    return coordinate(point, 1);
  }

  private double coordinate(JsonNode point, int axis) {
    if (point.size() != 2 || !point.path(axis).isNumber()) {
      throw fail("expected a point of two numbers, got " + point);
    }
    return point.path(axis).doubleValue();
  }

  private JsonNode object(JsonNode json, String name) {
    return require(json, name, "an object", json.path(name).isObject());
  }

  private String text(JsonNode json, String name) {
    return require(json, name, "a text", json.path(name).isTextual()).textValue();
  }

  private long integer(JsonNode json, String name) {
    return require(json, name, "an integer", json.path(name).canConvertToLong()).longValue();
  }

  private double number(JsonNode json, String name) {
    return require(json, name, "a number", json.path(name).isNumber()).doubleValue();
  }

  private List<String> texts(JsonNode json, String name) {
    return list(json, name, JsonNode::asText);
  }

  private <T> List<T> list(JsonNode json, String name, Function<JsonNode, T> element) {
    return elements(require(json, name, "a list", json.path(name).isArray()), name, element);
  }

  private <T> List<T> elements(JsonNode array, String name, Function<JsonNode, T> element) {
    if (!array.isArray()) {
      throw fail("'" + name + "' must be a list of lists");
    }
    List<T> list = new ArrayList<>(array.size());
    array.forEach(item -> list.add(element.apply(item)));
    return list;
  }

  private JsonNode require(JsonNode json, String name, String what, boolean fits) {
    if (!fits) {
      throw fail(
          json.has(name)
              ? "'" + name + "' must be " + what + ", got " + json.path(name).getNodeType()
              : "field '" + name + "' is missing; the report is truncated or was edited");
    }
    return json.path(name);
  }

  private static List<String> names(JsonNode json) {
    List<String> names = new ArrayList<>();
    json.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private FormatException fail(String problem) {
    return new FormatException(source, problem);
  }
}
