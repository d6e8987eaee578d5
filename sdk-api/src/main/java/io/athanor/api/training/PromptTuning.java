package io.athanor.api.training;

import java.util.Optional;

/**
 * Trains vectors before the tokens of every text, and nothing else but the head (Lester et al.
 * 2021). The head is what {@link Lora#HEADS} names.
 *
 * @param tokens how many vectors, at least 1; the texts have that much less room
 * @param text whose tokens' vectors they begin with, repeated or cut; without one, those of tokens
 *     drawn at random
 */
public record PromptTuning(int tokens, Optional<String> text) implements Tuning {
  public PromptTuning {
    if (tokens < 1) {
      throw new IllegalArgumentException("tokens must be at least 1, got " + tokens);
    }
    if (text.isPresent() && text.get().isBlank()) {
      throw new IllegalArgumentException("text must not be blank");
    }
  }

  /** This many vectors; at least 1. */
  public static PromptTuning tokens(int count) {
    return new PromptTuning(count, Optional.empty());
  }

  /** Begins with the vectors of this text's tokens. */
  public PromptTuning startingFrom(String words) {
    return new PromptTuning(tokens, Optional.of(words));
  }

  @Override
  public Kind kind() {
    return Kind.PROMPT;
  }
}
