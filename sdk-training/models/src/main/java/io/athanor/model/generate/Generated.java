package io.athanor.model.generate;

import java.time.Duration;
import java.util.List;

/**
 * What a model said.
 *
 * @param text without end token and stop string
 * @param tokens the ids generated; without the end token, but with those of a stop string
 * @param finish why it stopped
 * @param likelihoods of each token; empty unless asked for
 * @param promptTokens tokens of the prompt
 * @param timeToFirstToken from the call until the first token was chosen
 * @param tokensPerSecond tokens after the first, by the time they took; 0 if there are none
 */
public record Generated(
    String text,
    List<Integer> tokens,
    FinishReason finish,
    List<TokenLikelihood> likelihoods,
    int promptTokens,
    Duration timeToFirstToken,
    double tokensPerSecond) {
  public Generated {
    tokens = List.copyOf(tokens);
    likelihoods = List.copyOf(likelihoods);
  }
}
