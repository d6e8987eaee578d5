package io.athanor.api.training;

/** Which numbers of a model are trained. Immutable and thread-safe. */
public sealed interface Tuning permits FullTuning, Lora, PromptTuning {
  /** The kinds of tuning. */
  enum Kind {
    FULL,
    LORA,
    PROMPT
  }

  /** Which of the kinds this is. */
  Kind kind();
}
