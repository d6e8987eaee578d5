package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.text.ChatMessage;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A model that an Ollama server runs; made by {@link OllamaTarget}. Closing it leaves the model
 * there. Ollama tells how many tokens it gave but not which, so that {@link Generated#tokens} is
 * empty, and does not tell which of the ends it met: with stop strings in the request, an answer
 * that did not run out of room counts as ended by one. Thread-safe.
 */
public final class OllamaDeployment implements TextDeployment {
  private static final int AT_ONCE = 64;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final RemoteServer server;
  private final String name;
  private final ServedModel model;
  private final CountedCalls calls;
  private final RequestThreads threads;

  OllamaDeployment(RemoteServer server, String name, ServedModel model) {
    this.server = server;
    this.name = name;
    this.model = model;
    this.calls = new CountedCalls(server);
    this.threads = new RequestThreads(server, model, calls, AT_ONCE);
  }

  @Override
  public ServedModel model() {
    return model;
  }

  /** None: adapters are merged into the model before it comes here. */
  @Override
  public List<String> adapters() {
    return List.of();
  }

  @Override
  public TextAnswer generate(TextRequest request, Predicate<String> listener) {
    requireAnswerable(request);
    return ask(request, System.nanoTime(), listener);
  }

  @Override
  public CompletableFuture<TextAnswer> generateAsync(
      TextRequest request, Predicate<String> listener) {
    requireAnswerable(request);
    long arrival = System.nanoTime();
    return threads.begin(() -> ask(request, arrival, threads.inside(listener)));
  }

  private void requireAnswerable(TextRequest request) {
    threads.requireOpen();
    if (request.adapter().isPresent()) {
      throw new NotFoundException(
          "adapter '" + request.adapter().get() + "'",
          List.of(),
          "Merge it into its base and deploy that to Ollama");
    }
    if (request.settings().likelihoods()) {
      throw new UnsupportedException(
          "Ollama does not tell how likely tokens were", "Ask without likelihoods");
    }
    if (request.settings().watermark().isPresent()) {
      throw new UnsupportedException(
          "Ollama does not watermark texts",
          "Ask without a watermark, or serve it in this process");
    }
  }

  private TextAnswer ask(TextRequest request, long arrival, Predicate<String> listener) {
    boolean chat = !request.messages().isEmpty();
    return calls.make(
        1,
        arrival,
        () -> {
          Lines lines = new Lines(chat, new StreamedText(server, arrival, listener));
          server
              .call("POST", chat ? "/api/chat" : "/api/generate")
              .json(body(request))
              .lines(lines)
              .send();
          return lines.answer(request.settings());
        });
  }

  /** Puts an answer together from the lines in which it comes. */
  private final class Lines implements Predicate<String> {
    private final boolean chat;
    private final StreamedText text;
    private @Nullable JsonFields last;

    Lines(boolean chat, StreamedText text) {
      this.chat = chat;
      this.text = text;
    }

    @Override
    public boolean test(String line) {
      JsonFields part = JsonFields.parse(server.toString(), line);
      if (part.has("error")) {
        throw new BackendException(server.toString(), server.withoutToken(part.text("error")));
      }
      if (part.has("done") && part.flag("done")) {
        last = part;
      }
      return text.hear(chat ? part.object("message").text("content") : part.text("response"));
    }

    TextAnswer answer(GenerationSettings settings) {
      Duration latency = text.sinceArrival();
      if (last == null && !text.unwanted()) {
        throw new StorageException(server.toString(), "the answer was cut off; ask again");
      }
      return new TextAnswer(model.name(), model.version(), generated(settings), latency);
    }

    private Generated generated(GenerationSettings settings) {
      JsonFields end = last;
      if (end == null) {
        return text.generated(FinishReason.CANCELLED, 0, 0);
      }
      boolean full = end.has("done_reason") && end.text("done_reason").equals("length");
      FinishReason stopped =
          settings.stops().isEmpty() ? FinishReason.END_TOKEN : FinishReason.STOP_STRING;
      long tokens = end.has("eval_count") ? end.integer("eval_count") : 0;
      long nanos = end.has("eval_duration") ? end.integer("eval_duration") : 0;
      return text.generated(
          full ? FinishReason.LENGTH : stopped,
          end.has("prompt_eval_count") ? end.smallInteger("prompt_eval_count") : 0,
          tokens < 2 || nanos <= 0 ? 0 : (tokens - 1) * 1e9 / nanos);
    }
  }

  private ObjectNode body(TextRequest request) {
    ObjectNode body = JSON.objectNode().put("model", name).put("stream", true);
    if (request.messages().isEmpty()) {
      body.put("prompt", request.prompt()).put("raw", true);
    } else {
      ArrayNode messages = body.putArray("messages");
      for (ChatMessage turn : request.messages()) {
        messages.addObject().put("role", turn.role()).put("content", turn.content());
      }
    }
    GenerationSettings settings = request.settings();
    ObjectNode options = body.putObject("options");
    options
        .put("num_predict", settings.maxNewTokens())
        .put("temperature", settings.temperature())
        .put("top_k", settings.topK())
        .put("top_p", settings.topP())
        .put("min_p", 0)
        .put("repeat_penalty", settings.repetitionPenalty())
        .put("repeat_last_n", -1)
        .put("seed", settings.seed());
    if (!settings.stops().isEmpty()) {
      ArrayNode stops = options.putArray("stop");
      settings.stops().forEach(stops::add);
    }
    return body;
  }

  @Override
  public DeploymentStats stats() {
    return threads.stats();
  }

  /**
   * Takes no more requests, and waits for those begun by {@link #generateAsync}, as long as the
   * server may be silent; not if one of them closes it.
   */
  @Override
  public void close() {
    threads.close();
  }
}
