package io.athanor.api.data;

import java.util.List;
import java.util.OptionalInt;

/** Text to token ids and back. Immutable and thread-safe; equal if its {@link #json} is. */
public interface Tokenizer {
  /**
   * The ids of a text, with the special tokens that the tokenizer adds to one, cut to {@code
   * maximumLength} before those that close it.
   *
   * @return at least one id, so that no sequence is empty
   */
  int[] encode(String text, int maximumLength);

  /** The ids of a text as it is: no special token is added, and those written in it count. */
  List<Token> tokenize(String text);

  /** The text of ids; special tokens are left out. */
  String decode(int[] ids);

  /** The id of a token, special or not. */
  OptionalInt id(String token);

  /** Ids are in [0, vocabularySize). */
  int vocabularySize();

  /** The id that fills the end of shorter sequences. */
  int paddingId();

  /** The content of a Hugging Face {@code tokenizer.json}. */
  String json();

  /**
   * A piece of a text.
   *
   * @param id in the vocabulary
   * @param start index of its first {@code char}
   * @param end index after its last {@code char}
   */
  record Token(int id, int start, int end) {}
}
