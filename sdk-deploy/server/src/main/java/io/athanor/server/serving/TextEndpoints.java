package io.athanor.server.serving;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.deploy.serve.EmbeddingAnswer;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.text.ChatMessage;
import io.athanor.server.access.Caller;
import io.athanor.server.http.EventStream;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestBody;
import io.athanor.server.http.RequestFields;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Texts and vectors of language models, in our own form. Thread-safe. */
public final class TextEndpoints {
  private static final int MOST_MESSAGES = 10_000;
  private static final int MOST_STOPS = 16;

  private final ServedModels models;
  private final RequestBody body;
  private final int maximumRows;
  private final int maximumTokens;
  private final Asking asking;
  private final ServerMetrics metrics;
  private final TextStreaming streaming;

  /**
   * @param maximumRows most texts to embed together
   * @param maximumTokens most tokens to generate for a request
   */
  public TextEndpoints(
      ServedModels models,
      RequestBody body,
      int maximumRows,
      int maximumTokens,
      Asking asking,
      ServerMetrics metrics) {
    this.models = models;
    this.body = body;
    this.maximumRows = maximumRows;
    this.maximumTokens = maximumTokens;
    this.asking = asking;
    this.metrics = metrics;
    this.streaming = new TextStreaming(metrics);
  }

  public List<Route> routes() {
    return List.of(
        Route.post("/v1/models/{name}/generate", this::generate),
        Route.post("/v1/models/{name}/embed", this::embed));
  }

  private void generate(Context ctx) {
    ServedModels.Asked asked = models.find(ctx.pathParam("name"), Caller.of(ctx));
    TextDeployment model = asked.entry().text();
    RequestFields fields = new RequestFields(StrictJson.parse(body.read(ctx.req())), 422);
    TextRequest request = request(fields).settings(settings(fields));
    if (asked.adapter().isPresent()) {
      request = request.adapter(asked.adapter().get());
    }
    boolean stream = fields.flag("stream");
    fields.requireNoMore();
    Optional<String> id = asked.entry().answerId();
    if (stream) {
      streaming.stream(ctx, model, request, id, new OwnForm(id));
      return;
    }
    CompletableFuture<TextAnswer> answer = Asking.generate(model, request, piece -> true, id);
    ctx.future(
        () ->
            asking.answered(
                answer,
                done -> {
                  metrics.generated(done);
                  StrictJson.send(ctx, json(done, id));
                }));
  }

  private static TextRequest request(RequestFields fields) {
    Optional<String> prompt = fields.optionalText("prompt");
    Optional<JsonNode> messages = fields.node("messages");
    if (prompt.isPresent() == messages.isPresent()) {
      throw new HttpProblem(422, "Expected either 'prompt' or 'messages'").with("param", "prompt");
    }
    if (prompt.isPresent()) {
      if (prompt.get().isEmpty()) {
        throw new HttpProblem(422, "'prompt' must not be empty").with("param", "prompt");
      }
      return TextRequest.of(prompt.get());
    }
    JsonNode list = messages.get();
    if (!list.isArray() || list.isEmpty() || list.size() > MOST_MESSAGES) {
      throw fields.wrong("messages", "a list of 1 to " + MOST_MESSAGES + " messages", list);
    }
    List<ChatMessage> turns = new ArrayList<>();
    for (JsonNode one : list) {
      RequestFields message = new RequestFields(one, 422);
      String role = message.text("role");
      if (role.isBlank()) {
        throw message.wrong("role", "a string that is not blank", one.get("role"));
      }
      turns.add(new ChatMessage(role, message.text("content")));
      message.requireNoMore();
    }
    return TextRequest.chat(turns);
  }

  private GenerationSettings settings(RequestFields fields) {
    GenerationSettings.Builder settings = GenerationSettings.builder();
    fields
        .integer("maxNewTokens", 1, maximumTokens)
        .ifPresent(most -> settings.maxNewTokens((int) most));
    fields.number("temperature", 0, 100).ifPresent(settings::temperature);
    fields.integer("topK", 0, Integer.MAX_VALUE).ifPresent(k -> settings.topK((int) k));
    fields.number("topP", Double.MIN_VALUE, 1).ifPresent(settings::topP);
    fields.number("repetitionPenalty", 0.01, 100).ifPresent(settings::repetitionPenalty);
    fields.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE).ifPresent(settings::seed);
    for (String stop : fields.texts("stop", MOST_STOPS)) {
      if (stop.isEmpty()) {
        throw new HttpProblem(422, "'stop' must not be empty").with("param", "stop");
      }
      settings.stopAt(stop);
    }
    return settings.build();
  }

  private static ObjectNode json(TextAnswer answer, Optional<String> id) {
    ObjectNode json = StrictJson.object();
    id.ifPresent(named -> json.put("id", named));
    return json.put("model", answer.model())
        .put("version", answer.version())
        .put("text", answer.text())
        .put("finish", JsonFields.lower(answer.generated().finish()))
        .put("promptTokens", answer.generated().promptTokens())
        .put("tokens", answer.generated().tokens().size())
        .put("tokensPerSecond", answer.generated().tokensPerSecond())
        .put("firstTokenMillis", answer.generated().timeToFirstToken().toNanos() / 1e6)
        .put("latencyMillis", answer.latency().toNanos() / 1e6);
  }

  /** Events {@code piece}, {@code end} and {@code error}. */
  private record OwnForm(Optional<String> id) implements StreamForm {
    @Override
    public boolean piece(EventStream out, String text) {
      return out.event("piece", StrictJson.text(StrictJson.object().put("text", text)));
    }

    @Override
    public void end(EventStream out, TextAnswer answer) {
      out.event("end", StrictJson.text(json(answer, id)));
    }

    @Override
    public void failure(EventStream out, HttpProblem problem) {
      out.event(
          "error",
          StrictJson.text(
              StrictJson.object().put("status", problem.status()).put("detail", problem.detail())));
    }
  }

  private void embed(Context ctx) {
    ServedModels.Entry entry = models.findModel(ctx.pathParam("name"), Caller.of(ctx));
    EmbeddingDeployment model = entry.embedding();
    RequestFields fields = new RequestFields(StrictJson.parse(body.read(ctx.req())), 422);
    List<String> texts = fields.texts("inputs", maximumRows);
    if (texts.isEmpty()) {
      throw fields.wrong("inputs", "a string or a list of strings, at least one", null);
    }
    fields.requireNoMore();
    EmbeddingAnswer answer = Asking.begin(model, () -> model.embed(texts));
    metrics.embedded(answer.model(), answer.version(), answer.tokens());
    ObjectNode json =
        StrictJson.object()
            .put("model", answer.model())
            .put("version", answer.version())
            .put("tokens", answer.tokens());
    ArrayNode vectors = json.putArray("vectors");
    for (float[] vector : answer.vectors()) {
      ArrayNode numbers = vectors.addArray();
      for (float number : vector) {
        numbers.add(number);
      }
    }
    StrictJson.send(ctx, json.put("latencyMillis", answer.latency().toNanos() / 1e6));
  }
}
