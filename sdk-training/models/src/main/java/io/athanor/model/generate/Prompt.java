package io.athanor.model.generate;

import java.util.Map;
import java.util.TreeMap;

/**
 * What a model is to continue.
 *
 * @param text not empty
 * @param complete whether the text has all its special tokens, as one from a chat template has; if
 *     not, the tokenizer adds those that it begins a text with
 * @param inputs what the graph wants to know of each row besides its tokens, for example {@code
 *     adapter}
 */
public record Prompt(String text, boolean complete, Map<String, Long> inputs) {
  public Prompt {
    inputs = java.util.Collections.unmodifiableMap(new TreeMap<>(inputs));
  }

  /** Plain text. */
  public static Prompt of(String text) {
    return new Prompt(text, false, Map.of());
  }

  /** This prompt with a further input, for example the number of an adapter. */
  public Prompt with(String input, long value) {
    Map<String, Long> more = new TreeMap<>(inputs);
    more.put(input, value);
    return new Prompt(text, complete, more);
  }
}
