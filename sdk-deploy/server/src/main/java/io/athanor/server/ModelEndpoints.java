package io.athanor.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Column;
import io.athanor.api.data.EncodedRow;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.Task;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.FormatException;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.serve.InProcessDeployment;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** What can be asked of the models of a server. Thread-safe. */
final class ModelEndpoints {
  private final Map<String, InProcessDeployment> deployments;
  private final RequestBody body;
  private final int maximumRows;

  ModelEndpoints(Map<String, InProcessDeployment> deployments, RequestBody body, int maximumRows) {
    this.deployments = deployments;
    this.body = body;
    this.maximumRows = maximumRows;
  }

  /** {@code GET /v1/models}. */
  void list(Context ctx) {
    ObjectNode answer = Json.object();
    ArrayNode models = answer.putArray("models");
    for (InProcessDeployment deployment : deployments.values()) {
      ServedModel model = deployment.model();
      models
          .addObject()
          .put("name", model.name())
          .put("version", model.version())
          .put("task", taskName(model.task()));
    }
    send(ctx, answer);
  }

  /** {@code GET /v1/models/{name}}. */
  void describe(Context ctx) {
    ServedModel model = deployment(ctx).model();
    ObjectNode answer =
        Json.object()
            .put("name", model.name())
            .put("version", model.version())
            .put("architecture", model.architecture())
            .put("digest", model.weights().toString())
            .put("task", taskName(model.task()))
            .put("target", model.task().target());
    if (model.task() instanceof Task.Classification classification) {
      classification.labels().forEach(answer.putArray("labels")::add);
    }
    ArrayNode columns = answer.putArray("columns");
    Iterator<Encoder> encoders = model.features().encoders().iterator();
    for (Column column : model.schema().features()) {
      ObjectNode described =
          columns
              .addObject()
              .put("name", column.name())
              .put("type", JsonFields.lower(column.type()));
      describe(encoders.next(), described);
    }
    ObjectNode metrics = answer.putObject("metrics");
    model.metrics().forEach(metrics::put);
    send(ctx, answer);
  }

  private static void describe(Encoder encoder, ObjectNode column) {
    if (encoder instanceof Encoder.OneHot category) {
      category.categories().forEach(column.putArray("categories")::add);
    } else if (encoder instanceof Encoder.Image image) {
      column
          .put("width", image.width())
          .put("height", image.height())
          .put("channels", image.channels());
    }
  }

  /** {@code POST /v1/models/{name}/predict}. */
  void predict(Context ctx) {
    InProcessDeployment deployment = deployment(ctx);
    JsonNode input = only("input", Json.parse(body.read(ctx.req())));
    EncodedRow row;
    try {
      row = deployment.encode(deployment.reader().read(input));
    } catch (FormatException e) {
      throw new Problem(422, e.getMessage()).with("column", e.column());
    }
    Answer answer = answers(deployment, List.of(row)).get(0);
    ObjectNode result = Json.object().put("model", answer.model()).put("version", answer.version());
    send(ctx, write(answer, result));
  }

  /** {@code POST /v1/models/{name}/batch}: every row or none. */
  void batch(Context ctx) {
    InProcessDeployment deployment = deployment(ctx);
    JsonNode inputs = only("inputs", Json.parse(body.read(ctx.req())));
    if (!inputs.isArray()) {
      throw new Problem(422, "'inputs' must be a list, got " + JsonFields.describe(inputs));
    }
    if (inputs.size() > maximumRows) {
      throw new Problem(
              422, "'inputs' may hold at most " + maximumRows + " rows, got " + inputs.size())
          .with("limit", maximumRows);
    }
    List<EncodedRow> rows = encode(deployment, inputs);
    ObjectNode answer =
        Json.object()
            .put("model", deployment.model().name())
            .put("version", deployment.model().version());
    ArrayNode results = answer.putArray("results");
    if (!rows.isEmpty()) {
      answers(deployment, rows).forEach(one -> write(one, results.addObject()));
    }
    send(ctx, answer);
  }

  private static List<EncodedRow> encode(InProcessDeployment deployment, JsonNode inputs) {
    List<EncodedRow> rows = new ArrayList<>();
    ArrayNode errors = Json.object().arrayNode();
    for (int i = 0; i < inputs.size(); i++) {
      try {
        rows.add(deployment.encode(deployment.reader().read(inputs.get(i))));
      } catch (FormatException e) {
        ObjectNode error = errors.addObject().put("index", i);
        if (e.column() != null) {
          error.put("column", e.column());
        }
        error.put("detail", Problem.brief(e.getMessage()));
      }
    }
    if (!errors.isEmpty()) {
      throw new Problem(
              422,
              errors.size()
                  + " of "
                  + inputs.size()
                  + " rows do not fit the model's schema; nothing was predicted")
          .with("errors", errors);
    }
    return rows;
  }

  private static List<Answer> answers(InProcessDeployment deployment, List<EncodedRow> rows) {
    List<CompletableFuture<Answer>> submitted;
    try {
      submitted = deployment.submit(rows);
    } catch (BackendException e) {
      throw new Problem(429, "Too many rows are waiting; try again in a moment")
          .header("Retry-After", "1");
    } catch (IllegalStateException e) {
      throw new Problem(503, deployment.model() + " is being taken down; try another server");
    }
    try {
      return deployment.await(submitted);
    } catch (BackendException e) {
      if (e.retryable()) {
        throw new Problem(503, "The model gave no answer in time; try again later")
            .header("Retry-After", "1");
      }
      throw e;
    }
  }

  private InProcessDeployment deployment(Context ctx) {
    String name = ctx.pathParam("name");
    InProcessDeployment deployment = deployments.get(name);
    if (deployment == null) {
      throw new Problem(
              404, "No model '" + name + "'; there is " + String.join(", ", deployments.keySet()))
          .with("available", List.copyOf(deployments.keySet()));
    }
    return deployment;
  }

  private static JsonNode only(String field, JsonNode body) {
    JsonNode value = body.get(field);
    if (value == null || body.size() != 1) {
      throw new Problem(
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

  private static String taskName(Task task) {
    return task instanceof Task.Classification ? "classification" : "regression";
  }

  private static void send(Context ctx, JsonNode answer) {
    ctx.contentType("application/json").result(Json.write(answer));
  }
}
