package io.athanor.model.text;

import java.util.List;

/**
 * A conversation as one text.
 *
 * @param answers the pieces of the text that the assistant said, each with the token that ends its
 *     turn, in order and without overlap: what supervised fine-tuning scores
 */
public record RenderedChat(String text, List<Span> answers) {
  /** Copies the list. */
  public RenderedChat {
    answers = List.copyOf(answers);
  }

  /**
   * A piece of a text in UTF-16 units, as {@link String#substring(int, int)} takes them.
   *
   * @param end the first place after the piece
   */
  public record Span(int start, int end) {}
}
