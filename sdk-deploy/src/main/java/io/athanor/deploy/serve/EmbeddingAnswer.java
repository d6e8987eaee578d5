package io.athanor.deploy.serve;

import java.time.Duration;
import java.util.List;

/**
 * The vectors of texts.
 *
 * @param model the model's name
 * @param version the model's version
 * @param vectors of length 1, in the order of the texts
 * @param tokens read in all
 * @param latency from the call to the answer, waiting included
 */
public record EmbeddingAnswer(
    String model, String version, List<float[]> vectors, long tokens, Duration latency) {
  public EmbeddingAnswer {
    vectors = List.copyOf(vectors);
  }
}
