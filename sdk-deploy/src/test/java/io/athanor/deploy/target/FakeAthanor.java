package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.FormatException;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.input.RowReader;
import io.athanor.deploy.serve.InProcessDeployment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The REST API of our own server for one model, in the forms that the server's tests pin. */
final class FakeAthanor extends FakeServer {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final InProcessDeployment deployment;
  private final RowReader reader;
  private Optional<Digest> registered = Optional.empty();

  FakeAthanor(InProcessDeployment deployment) {
    this.deployment = deployment;
    this.reader = new RowReader(deployment.model().features());
  }

  /** Gives it a registry, in which the model's files have this digest. */
  void register(Digest files) {
    registered = Optional.of(files);
  }

  @Override
  Answer answer(String request, HttpExchange exchange, byte[] body) {
    ServedModel model = deployment.model();
    String path = "/v1/models/" + model.name();
    String given = exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath();
    if (given.equals("GET " + path)) {
      return FakeServer.Answer.ok(
          JSON.objectNode()
              .put("name", model.name())
              .put("version", model.version())
              .put("digest", model.weights().toString()));
    }
    if (given.equals("POST /v1/deployments") && registered.isPresent()) {
      assertThat(json(body).text("model")).isEqualTo(model.toString());
      boolean plan = "plan=true".equals(exchange.getRequestURI().getQuery());
      return new FakeServer.Answer(
          plan ? 200 : 201,
          named().put("digest", registered.get().toString()).put("applied", !plan).toString());
    }
    try {
      if (given.equals("POST " + path + "/predict")) {
        Row row = reader.read(json(body).node("input"));
        return FakeServer.Answer.ok(write(deployment.predict(row), named()));
      }
      if (given.equals("POST " + path + "/batch")) {
        List<Row> rows = new ArrayList<>();
        json(body).node("inputs").forEach(input -> rows.add(reader.read(input)));
        ObjectNode answer = named();
        ArrayNode results = answer.putArray("results");
        deployment.predictAll(rows).forEach(one -> results.add(write(one, JSON.objectNode())));
        return FakeServer.Answer.ok(answer);
      }
    } catch (FormatException e) {
      JsonNode problem =
          JSON.objectNode()
              .put("type", "about:blank")
              .put("status", 422)
              .put("detail", e.getMessage())
              .put("column", e.column());
      return new FakeServer.Answer(422, problem.toString());
    }
    return new FakeServer.Answer(404, "{\"status\":404,\"detail\":\"No model\"}");
  }

  private ObjectNode named() {
    return JSON.objectNode()
        .put("model", deployment.model().name())
        .put("version", deployment.model().version());
  }

  private static ObjectNode write(io.athanor.api.deploy.Answer answer, ObjectNode result) {
    if (answer.prediction() instanceof Prediction.Label label) {
      result.put("label", label.label()).put("confidence", label.confidence());
      ArrayNode others = result.putArray("alternatives");
      label
          .alternatives()
          .forEach(
              other ->
                  others
                      .addObject()
                      .put("label", other.label())
                      .put("probability", other.probability()));
    } else {
      result.put("value", answer.value());
    }
    return result.put("latencyMillis", 1.5);
  }
}
