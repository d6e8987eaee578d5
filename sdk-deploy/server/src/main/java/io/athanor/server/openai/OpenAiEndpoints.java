package io.athanor.server.openai;

import io.athanor.server.http.RequestBody;
import io.athanor.server.http.Route;
import io.athanor.server.serving.Asking;
import io.athanor.server.serving.ServedModels;
import io.athanor.server.serving.ServerMetrics;
import io.athanor.server.serving.TextStreaming;
import java.time.Clock;
import java.util.List;

/**
 * Texts and vectors of language models as OpenAI's API has them. Fields that would change an answer
 * in ways we cannot are refused by name. Thread-safe.
 */
public final class OpenAiEndpoints {
  private final TextService service;

  /**
   * @param maximumTokens most tokens to generate for a request
   */
  public OpenAiEndpoints(
      ServedModels models,
      RequestBody body,
      int maximumTokens,
      Asking asking,
      ServerMetrics metrics,
      Clock clock) {
    this.service =
        new TextService(
            models, body, maximumTokens, asking, metrics, new TextStreaming(metrics), clock);
  }

  public List<Route> routes() {
    return List.of(
        Route.post("/v1/chat/completions", new ChatCompletions(service)::answer),
        Route.post("/v1/completions", new TextCompletions(service)::answer),
        Route.post("/v1/embeddings", new TextEmbeddings(service)::answer));
  }
}
