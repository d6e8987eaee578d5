package io.athanor.data.transform;

import io.athanor.api.data.Encoder;
import io.athanor.api.data.Tokenizer;
import java.util.Optional;

/**
 * How columns become numbers where there is a choice.
 *
 * @param maximumTokens most tokens kept of a text, at least 1
 * @param vocabularySize most entries of a fitted vocabulary, at least 3
 * @param minimumCount how often a word must occur to be in it, at least 1
 * @param tokenizer used instead of a fitted one
 * @param unknown what to do with a category that the training rows did not have
 */
public record EncodingOptions(
    int maximumTokens,
    int vocabularySize,
    int minimumCount,
    Optional<Tokenizer> tokenizer,
    Encoder.OneHot.Unknown unknown) {
  /** 256 tokens, 20,000 words that occur at least twice, unknown categories refused. */
  public static final EncodingOptions DEFAULT =
      new EncodingOptions(256, 20_000, 2, Optional.empty(), Encoder.OneHot.Unknown.REFUSE);

  public EncodingOptions {
    if (maximumTokens < 1 || vocabularySize < 3 || minimumCount < 1) {
      throw new IllegalArgumentException(
          "maximumTokens must be at least 1, vocabularySize at least 3, minimumCount at least 1, got "
              + maximumTokens
              + ", "
              + vocabularySize
              + ", "
              + minimumCount);
    }
  }

  public EncodingOptions maximumTokens(int tokens) {
    return new EncodingOptions(tokens, vocabularySize, minimumCount, tokenizer, unknown);
  }

  public EncodingOptions vocabulary(int size, int minimum) {
    return new EncodingOptions(maximumTokens, size, minimum, tokenizer, unknown);
  }

  public EncodingOptions tokenizer(Tokenizer given) {
    return new EncodingOptions(
        maximumTokens, vocabularySize, minimumCount, Optional.of(given), unknown);
  }

  public EncodingOptions ignoreUnknownCategories() {
    return new EncodingOptions(
        maximumTokens, vocabularySize, minimumCount, tokenizer, Encoder.OneHot.Unknown.IGNORE);
  }
}
