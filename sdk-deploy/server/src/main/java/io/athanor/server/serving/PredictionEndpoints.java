package io.athanor.server.serving;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.input.RowReader;
import io.athanor.deploy.monitor.MonitoredDeployment;
import io.athanor.server.access.Caller;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestBody;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** Predictions of columns of rows. Thread-safe. */
public final class PredictionEndpoints {
  private final ServedModels models;
  private final RequestBody body;
  private final int maximumRows;
  private final Asking asking;

  public PredictionEndpoints(
      ServedModels models, RequestBody body, int maximumRows, Asking asking) {
    this.models = models;
    this.body = body;
    this.maximumRows = maximumRows;
    this.asking = asking;
  }

  public List<Route> routes() {
    return List.of(
        Route.post(PredictionHandler.ROUTE, this::predict),
        Route.post("/v1/models/{name}/batch", this::batch));
  }

  private void predict(Context ctx) {
    Begun begun = begin(ctx.pathParam("name"), Caller.of(ctx), () -> body.read(ctx.req()));
    ctx.future(
        () ->
            asking.answered(
                begun.answer(),
                done -> ctx.contentType("application/json").result(begun.json(done))));
  }

  /**
   * Begins a prediction of one row.
   *
   * @param content reads the request's body; not called where the model cannot be asked
   * @throws HttpProblem if the request is wrong, or too much waits
   */
  Begun begin(String name, Caller caller, Supplier<String> content) {
    ServedModels.Entry entry = models.findModel(name, caller);
    Deployment deployment = entry.deployment();
    JsonNode input = only("input", StrictJson.parse(content.get()));
    Optional<String> id = entry.answerId();
    try {
      Row row = reader(entry).read(input);
      CompletableFuture<Answer> answer =
          Asking.begin(
              deployment,
              () ->
                  id.isPresent() && deployment instanceof MonitoredDeployment watched
                      ? watched.predictAsync(row, id.get())
                      : deployment.predictAsync(row));
      return new Begun(answer, id);
    } catch (FormatException e) {
      throw new HttpProblem(422, e.getMessage()).with("column", e.column());
    }
  }

  /**
   * A prediction that was begun.
   *
   * @param id by which feedback may name the answer; absent if nothing watches the model
   */
  record Begun(CompletableFuture<Answer> answer, Optional<String> id) {
    /** What is answered with it. */
    byte[] json(Answer done) {
      ObjectNode result =
          StrictJson.object().put("model", done.model()).put("version", done.version());
      id.ifPresent(named -> result.put("id", named));
      return StrictJson.write(write(done, result));
    }
  }

  /** Every row or none. */
  private void batch(Context ctx) {
    ServedModels.Entry entry = models.findModel(ctx.pathParam("name"), Caller.of(ctx));
    Deployment deployment = entry.deployment();
    JsonNode inputs = only("inputs", StrictJson.parse(body.read(ctx.req())));
    if (!inputs.isArray()) {
      throw new HttpProblem(422, "'inputs' must be a list, got " + JsonFields.describe(inputs));
    }
    if (inputs.size() > maximumRows) {
      throw new HttpProblem(
              422, "'inputs' may hold at most " + maximumRows + " rows, got " + inputs.size())
          .with("limit", maximumRows);
    }
    List<String> ids = new ArrayList<>(); // one for each row, or none
    List<Answer> answers;
    try {
      List<Row> rows = new ArrayList<>();
      inputs.forEach(input -> rows.add(reader(entry).read(input)));
      rows.forEach(row -> entry.answerId().ifPresent(ids::add));
      answers =
          Asking.begin(
              deployment,
              () ->
                  deployment instanceof MonitoredDeployment watched
                      ? watched.predictAll(rows, ids)
                      : deployment.predictAll(rows));
    } catch (FormatException | ValidationException e) {
      throw misfits(entry, inputs, e);
    }
    ObjectNode answer =
        StrictJson.object()
            .put("model", deployment.model().name())
            .put("version", deployment.model().version());
    ArrayNode results = answer.putArray("results");
    for (int i = 0; i < answers.size(); i++) {
      ObjectNode result = results.addObject();
      if (!ids.isEmpty()) {
        result.put("id", ids.get(i));
      }
      write(answers.get(i), result);
    }
    StrictJson.send(ctx, answer);
  }

  private static RowReader reader(ServedModels.Entry entry) {
    return entry.rows().orElseThrow(() -> new HttpProblem(422, entry.model() + " reads no rows"));
  }

  /** Which rows a model refuses. */
  private static HttpProblem misfits(
      ServedModels.Entry entry, JsonNode inputs, AthanorException refusal) {
    ArrayNode errors = StrictJson.object().arrayNode();
    for (int i = 0; i < inputs.size(); i++) {
      try {
        Row row = reader(entry).read(inputs.get(i));
        entry.model().features().encode(row, RowReader.SOURCE, 0);
      } catch (FormatException e) {
        add(errors, i, e);
      }
    }
    if (errors.isEmpty()) {
      return new HttpProblem(422, refusal.getMessage());
    }
    return new HttpProblem(
            422,
            errors.size()
                + " of "
                + inputs.size()
                + " rows do not fit the model's schema; nothing was predicted")
        .with("errors", errors);
  }

  private static void add(ArrayNode errors, int index, FormatException e) {
    ObjectNode error = errors.addObject().put("index", index);
    if (e.column() != null) {
      error.put("column", e.column());
    }
    error.put("detail", HttpProblem.brief(e.getMessage()));
  }

  private static JsonNode only(String field, JsonNode body) {
    JsonNode value = body.get(field);
    if (value == null || body.size() != 1) {
      throw new HttpProblem(
          422,
          "Expected an object with the one field '"
              + field
              + "', got "
              + (body.isObject() ? "the fields " + names(body) : JsonFields.describe(body)));
    }
    return value;
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static ObjectNode write(Answer answer, ObjectNode result) {
    if (answer.prediction() instanceof Prediction.Label label) {
      result.put("label", label.label()).put("confidence", label.confidence());
      ArrayNode alternatives = result.putArray("alternatives");
      for (Prediction.Alternative other : label.alternatives()) {
        alternatives
            .addObject()
            .put("label", other.label())
            .put("probability", other.probability());
      }
    } else {
      result.put("value", answer.value());
    }
    return result.put("latencyMillis", answer.latency().toNanos() / 1e6);
  }
}
