package io.athanor.server.openai;

import io.athanor.model.generate.GenerationSettings;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestFields;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;

/** How tokens are chosen, in OpenAI's words and with OpenAI's defaults. */
final class Sampling {
  private static final int MOST_STOPS = 4;

  private Sampling() {}

  /**
   * Reads settings.
   *
   * @param tokens the number of tokens asked for
   * @param otherwise how many there are if it is not said
   */
  static GenerationSettings.Builder read(RequestFields fields, OptionalLong tokens, int otherwise) {
    GenerationSettings.Builder settings =
        GenerationSettings.builder()
            .maxNewTokens((int) tokens.orElse(otherwise))
            .temperature(fields.number("temperature", 0, 2).orElse(1))
            .topP(fields.number("top_p", Double.MIN_VALUE, 1).orElse(1))
            .seed(
                fields
                    .integer("seed", Long.MIN_VALUE, Long.MAX_VALUE)
                    .orElseGet(() -> ThreadLocalRandom.current().nextLong()));
    for (String stop : fields.texts("stop", MOST_STOPS)) {
      if (stop.isEmpty()) {
        throw new HttpProblem(400, "'stop' must not be empty").with("param", "stop");
      }
      settings.stopAt(stop);
    }
    return settings;
  }
}
