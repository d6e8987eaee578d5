package io.athanor.server.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import io.athanor.server.http.RandomId;
import io.athanor.server.http.StrictJson;
import java.time.Clock;
import java.util.List;

/**
 * What the answers to one request have in common, its chunks included.
 *
 * @param id of the answer
 * @param created in seconds since 1970
 * @param model as it was asked for
 */
record Completion(String id, long created, String model) {
  static Completion of(String prefix, String model, Clock clock) {
    return new Completion(prefix + RandomId.unguessable(), clock.instant().getEpochSecond(), model);
  }

  ObjectNode begin(String object) {
    return StrictJson.object()
        .put("id", id)
        .put("object", object)
        .put("created", created)
        .put("model", model);
  }

  static String finish(FinishReason reason) {
    return switch (reason) {
      case LENGTH -> "length";
      case FILTERED -> "content_filter";
      case END_TOKEN, STOP_STRING, CANCELLED -> "stop";
    };
  }

  static void usage(ObjectNode answer, List<Generated> all) {
    int prompt = all.stream().mapToInt(Generated::promptTokens).sum();
    int said = all.stream().mapToInt(one -> one.tokens().size()).sum();
    answer
        .putObject("usage")
        .put("prompt_tokens", prompt)
        .put("completion_tokens", said)
        .put("total_tokens", prompt + said);
  }
}
