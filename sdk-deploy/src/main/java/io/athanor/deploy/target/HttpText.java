package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
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
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A language model that another Athanor server serves; made by {@link HttpTarget}. Answers always
 * come as events (WHATWG HTML, "Server-sent events"), so that a listener who wants no more, or a
 * cancelled answer, closes the connection, which ends the generation there.
 */
final class HttpText implements TextDeployment {
  private static final int AT_ONCE = 256;
  private static final String EVENT = "event: ";
  private static final String DATA = "data: ";
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final RemoteModel remote;
  private final RemoteServer server;
  private final ServedModel model;
  private final CountedCalls calls;
  private final RequestThreads threads;
  private volatile List<String> adapters;

  /**
   * @param facts what the server says of the model
   */
  HttpText(RemoteModel remote, JsonFields facts) {
    this.remote = remote;
    this.server = remote.server();
    this.model = remote.model();
    this.calls = new CountedCalls(server);
    this.threads = new RequestThreads(server, model, calls, AT_ONCE);
    this.adapters = adapters(facts);
  }

  @Override
  public ServedModel model() {
    return model;
  }

  /** As the server had them when this was made, or a request named one that was not known. */
  @Override
  public List<String> adapters() {
    return adapters;
  }

  private static List<String> adapters(JsonFields facts) {
    return facts.texts("adapters", Integer.MAX_VALUE);
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
    GenerationSettings settings = request.settings();
    if (settings.likelihoods()) {
      throw new UnsupportedException(
          server + " does not tell how likely tokens were in an answer that comes in pieces",
          "Ask without likelihoods, or ask it by OpenAI's API with logprobs");
    }
    if (settings.watermark().isPresent()) {
      throw new UnsupportedException(
          server + " takes no watermark from those who ask",
          "Set the watermark where the model is served");
    }
    if (!request.messages().isEmpty()
        && model.encoding() instanceof LanguageEncoding language
        && language.chatTemplate().isEmpty()) {
      throw new UnsupportedException(
          "the model '" + model.architecture() + "' has no chat template", "Give it plain text");
    }
    request.adapter().ifPresent(this::requireAdapter);
  }

  private void requireAdapter(String name) {
    if (!adapters.contains(name)) {
      try {
        adapters = adapters(remote.facts());
      } catch (StorageException | NotFoundException | FormatException e) {
        throw calls.failure(e);
      }
    }
    if (!adapters.contains(name)) {
      throw new NotFoundException(
          "adapter '" + name + "' of " + remote,
          adapters,
          "Ask for one of those, or serve it there");
    }
  }

  private TextAnswer ask(TextRequest request, long arrival, Predicate<String> listener) {
    String asked = request.adapter().orElse(model.toString());
    return calls.make(
        1,
        arrival,
        () -> {
          RemoteCall call = remote.ask(asked, "generate", body(request));
          Events events = new Events(call, new StreamedText(server, arrival, listener));
          call.header("Accept", "text/event-stream").lines(events).send();
          return events.answer(asked);
        });
  }

  private static ObjectNode body(TextRequest request) {
    ObjectNode body = JSON.objectNode().put("stream", true);
    if (request.messages().isEmpty()) {
      body.put("prompt", request.prompt());
    } else {
      ArrayNode messages = body.putArray("messages");
      for (ChatMessage turn : request.messages()) {
        messages.addObject().put("role", turn.role()).put("content", turn.content());
      }
    }
    GenerationSettings settings = request.settings();
    body.put("maxNewTokens", settings.maxNewTokens())
        .put("temperature", settings.temperature())
        .put("topK", settings.topK())
        .put("topP", settings.topP())
        .put("repetitionPenalty", settings.repetitionPenalty())
        .put("seed", settings.seed());
    if (!settings.stops().isEmpty()) {
      settings.stops().forEach(body.putArray("stop")::add);
    }
    return body;
  }

  /** The events {@code piece}, {@code end} and {@code error}, line by line. */
  private final class Events implements Predicate<String> {
    private final RemoteCall call;
    private final StreamedText text;
    private String event = "";
    private @Nullable JsonFields end;

    Events(RemoteCall call, StreamedText text) {
      this.call = call;
      this.text = text;
    }

    @Override
    public boolean test(String line) {
      if (line.startsWith(EVENT)) {
        event = line.substring(EVENT.length());
      } else if (line.startsWith(DATA)) {
        return hear(line.substring(DATA.length()));
      } else if (!line.startsWith(":")) {
        throw new FormatException(
            server.toString(), "expected events of " + server.product() + ", got " + brief(line));
      }
      return true;
    }

    private boolean hear(String data) {
      switch (event) {
        case "piece" -> {
          return text.hear(JsonFields.parse(server.toString(), data).text("text"));
        }
        case "end" -> end = JsonFields.parse(server.toString(), data);
        case "error" -> throw failure(data);
        default -> {
          // Of a newer server, about the answer and not part of it.
        }
      }
      return true;
    }

    private AthanorException failure(String data) {
      int status = JsonFields.parse(server.toString(), data).smallInteger("status");
      HttpHeaders none = HttpHeaders.of(Map.of(), (name, value) -> true);
      return call.refusal(new Reply(server.toString(), status, none, server.withoutToken(data)));
    }

    private static String brief(String line) {
      return "'" + (line.length() <= 100 ? line : line.substring(0, 100) + "..") + "'";
    }

    TextAnswer answer(String asked) {
      Duration latency = text.sinceArrival();
      if (end != null) {
        Generated generated =
            text.generated(
                end.choice("finish", FinishReason.class),
                end.smallInteger("promptTokens"),
                end.number("tokensPerSecond"));
        return new TextAnswer(end.text("model"), end.text("version"), generated, latency);
      }
      if (!text.unwanted()) {
        throw new StorageException(server.toString(), "the answer was cut off; ask again");
      }
      Generated generated = text.generated(FinishReason.CANCELLED, 0, 0);
      int colon = asked.lastIndexOf(':');
      return asked.equals(model.toString())
          ? new TextAnswer(model.name(), model.version(), generated, latency)
          : new TextAnswer(
              asked.substring(0, colon), asked.substring(colon + 1), generated, latency);
    }
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
