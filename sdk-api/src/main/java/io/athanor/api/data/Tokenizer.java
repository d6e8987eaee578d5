package io.athanor.api.data;

/** Text to token ids. Immutable and thread-safe. */
public interface Tokenizer {
  /**
   * The ids of a text, cut after {@code maximumLength}.
   *
   * @return at least one id, so that no sequence is empty
   */
  int[] encode(String text, int maximumLength);

  /** Ids are in [0, vocabularySize). */
  int vocabularySize();

  /** The id that fills the end of shorter sequences. */
  int paddingId();

  /** The content of a Hugging Face {@code tokenizer.json}. */
  String json();
}
