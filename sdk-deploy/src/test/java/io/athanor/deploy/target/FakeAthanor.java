package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.input.RowReader;
import io.athanor.deploy.serve.EmbeddingAnswer;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.text.ChatMessage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The REST API of our own server for one model, in the forms that the server's tests pin. */
final class FakeAthanor extends FakeServer {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private volatile LiveModel live;
  private final CountDownLatch left = new CountDownLatch(1);
  private Optional<Digest> registered = Optional.empty();
  private volatile Optional<String> endless = Optional.empty();

  FakeAthanor(LiveModel live) {
    this.live = live;
  }

  /** Deploys another model in the place of the one that it serves. */
  void serve(LiveModel other) {
    live = other;
  }

  /** Gives it a registry, in which the model's files have this digest. */
  void register(Digest files) {
    registered = Optional.of(files);
  }

  /** Says the same event for ever to whoever asks for a text from now on. */
  void sayForever(String event) {
    endless = Optional.of(event);
  }

  /** Waits until somebody who was told something for ever has closed the connection. */
  void awaitLeft() throws InterruptedException {
    assertThat(left.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Override
  Answer answer(String request, HttpExchange exchange, byte[] body) throws IOException {
    String path = "/v1/models/" + live.model().name();
    String asked = exchange.getRequestURI().getPath();
    String versioned = "/v1/models/" + live.model() + "/";
    String given =
        exchange.getRequestMethod()
            + " "
            + (asked.startsWith(versioned)
                ? path + "/" + asked.substring(versioned.length())
                : asked);
    if (given.equals("GET " + path)) {
      return Answer.ok(facts());
    }
    if (given.equals("POST /v1/deployments") && registered.isPresent()) {
      assertThat(json(body).text("model")).isEqualTo(live.model().toString());
      boolean plan = "plan=true".equals(exchange.getRequestURI().getQuery());
      return new Answer(
          plan ? 200 : 201,
          named().put("digest", registered.get().toString()).put("applied", !plan).toString());
    }
    try {
      if (live instanceof Deployment rows && given.equals("POST " + path + "/predict")) {
        return Answer.ok(write(rows.predict(reader().read(json(body).node("input"))), named()));
      }
      if (live instanceof Deployment rows && given.equals("POST " + path + "/batch")) {
        return Answer.ok(batch(rows, json(body)));
      }
      if (live instanceof TextDeployment text && given.equals("POST " + path + "/generate")) {
        return generate(text, exchange, json(body));
      }
      if (live instanceof EmbeddingDeployment vectors && given.equals("POST " + path + "/embed")) {
        return Answer.ok(embed(vectors, json(body)));
      }
    } catch (FormatException e) {
      return refused(422, e.getMessage(), Optional.ofNullable(e.column()));
    } catch (ValidationException e) {
      return refused(422, e.getMessage(), Optional.empty());
    }
    return refused(404, "No model", Optional.empty());
  }

  private RowReader reader() {
    return new RowReader(live.model().features());
  }

  private static Answer refused(int status, String detail, Optional<String> column) {
    ObjectNode problem =
        JSON.objectNode().put("type", "about:blank").put("status", status).put("detail", detail);
    column.ifPresent(name -> problem.put("column", name));
    return new Answer(status, problem.toString());
  }

  private ObjectNode facts() {
    ServedModel model = live.model();
    ObjectNode facts =
        JSON.objectNode()
            .put("name", model.name())
            .put("version", model.version())
            .put("digest", model.weights().toString());
    if (live instanceof TextDeployment text) {
      text.adapters().forEach(facts.putArray("adapters")::add);
    } else if (live instanceof EmbeddingDeployment embedding) {
      facts.put("dimensions", embedding.dimensions());
    }
    return facts;
  }

  private ObjectNode batch(Deployment deployment, JsonFields wish) {
    List<Row> rows = new ArrayList<>();
    wish.node("inputs").forEach(input -> rows.add(reader().read(input)));
    ObjectNode answer = named();
    ArrayNode results = answer.putArray("results");
    deployment.predictAll(rows).forEach(one -> results.add(write(one, JSON.objectNode())));
    return answer;
  }

  private Answer generate(TextDeployment text, HttpExchange exchange, JsonFields wish)
      throws IOException {
    assertThat(wish.flag("stream")).isTrue();
    if (endless.isPresent()) {
      tellForever(exchange, endless.get());
      return Answer.SENT;
    }
    GenerationSettings.Builder settings =
        GenerationSettings.builder()
            .maxNewTokens(wish.smallInteger("maxNewTokens"))
            .temperature(wish.number("temperature"))
            .topK(wish.smallInteger("topK"))
            .topP(wish.number("topP"))
            .repetitionPenalty(wish.number("repetitionPenalty"))
            .seed(wish.integer("seed"));
    if (wish.has("stop")) {
      wish.texts("stop", 16).forEach(settings::stopAt);
    }
    TextRequest request =
        wish.has("prompt")
            ? TextRequest.of(wish.text("prompt"))
            : TextRequest.chat(
                wish.objects(
                    "messages",
                    100,
                    turn -> new ChatMessage(turn.text("role"), turn.text("content"))));
    wish.requireNoMore();
    StringBuilder events = new StringBuilder(":\n\n");
    TextAnswer answer =
        text.generate(
            request.settings(settings.build()),
            piece -> {
              events.append(event("piece", JSON.objectNode().put("text", piece)));
              return true;
            });
    ObjectNode end =
        named()
            .put("text", answer.text())
            .put("finish", JsonFields.lower(answer.generated().finish()))
            .put("promptTokens", answer.generated().promptTokens())
            .put("tokens", answer.generated().tokens().size())
            .put("tokensPerSecond", answer.generated().tokensPerSecond())
            .put("firstTokenMillis", 1.5)
            .put("latencyMillis", 2.5);
    return new Answer(200, events.append(event("end", end)).toString());
  }

  private void tellForever(HttpExchange exchange, String event) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    try {
      while (true) {
        exchange.getResponseBody().write(event.getBytes(StandardCharsets.UTF_8));
        exchange.getResponseBody().flush();
        Thread.onSpinWait();
      }
    } catch (IOException e) {
      left.countDown();
    }
  }

  static String event(String name, ObjectNode data) {
    return "event: " + name + "\ndata: " + data + "\n\n";
  }

  private ObjectNode embed(EmbeddingDeployment model, JsonFields wish) {
    EmbeddingAnswer answer = model.embed(wish.texts("inputs", 1_000));
    ObjectNode json = named().put("tokens", answer.tokens());
    ArrayNode vectors = json.putArray("vectors");
    for (float[] vector : answer.vectors()) {
      ArrayNode numbers = vectors.addArray();
      for (float number : vector) {
        numbers.add(number);
      }
    }
    return json.put("latencyMillis", 2.5);
  }

  private ObjectNode named() {
    return JSON.objectNode()
        .put("model", live.model().name())
        .put("version", live.model().version());
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
