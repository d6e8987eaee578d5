package io.athanor.api.data;

import java.util.Optional;

/**
 * How data become the tensors of a model. It is kept with the model, so that training, evaluation
 * and serving see the same numbers.
 */
public sealed interface Encoding permits FeatureEncoding, LanguageEncoding {
  /** What the model is to do. */
  Task task();

  /** What an architecture must fit. */
  Signature signature();

  /** Present where there is text. */
  Optional<Tokenizer> tokenizer();
}
