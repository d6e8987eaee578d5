package io.athanor.api.data;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Turns a conversation into the one text that a model reads. Thread-safe. */
@FunctionalInterface
public interface ChatRenderer {
  /**
   * The text of a conversation, without a beginning of the next answer.
   *
   * @param messages a JSON array of objects that have at least {@code role} and {@code content}
   * @throws io.athanor.api.error.AthanorException if the conversation is not one it can render
   */
  Rendered render(String messages);

  /** The template it follows, in Jinja, to be kept with the model. */
  default Optional<String> template() {
    return Optional.empty();
  }

  /** Texts the template names, such as {@code bos_token}. */
  default Map<String, String> specialTokens() {
    return Map.of();
  }

  /**
   * A conversation as text.
   *
   * @param text with its special tokens
   * @param answers what the model is to learn to say, with the token that ends each answer; in
   *     order, without overlap
   */
  record Rendered(String text, List<Span> answers) {
    public Rendered {
      answers = List.copyOf(answers);
      int before = 0;
      for (Span span : answers) {
        if (span.start() < before || span.start() > span.end() || span.end() > text.length()) {
          throw new IllegalArgumentException(
              "answers must lie in order within the " + text.length() + " characters, got " + span);
        }
        before = span.end();
      }
    }
  }

  /**
   * A part of a text.
   *
   * @param start index of its first {@code char}
   * @param end index after its last {@code char}
   */
  record Span(int start, int end) {}
}
