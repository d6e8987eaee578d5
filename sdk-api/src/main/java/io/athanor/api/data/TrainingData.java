package io.athanor.api.data;

import java.util.Optional;

/** Everything a training run needs to know of its data. Thread-safe. */
public interface TrainingData {
  /** Fitted on the training rows only. */
  Encoding encoding();

  /**
   * The same rows, their text read as a trained model reads it: by its tokenizer, and where the
   * model is to write text, with its end of a text and its chat template. Without text, these data.
   */
  default TrainingData readAs(LanguageEncoding model) {
    return this;
  }

  /** Whether its sequences are several documents one after the other. */
  default boolean packed() {
    return false;
  }

  /**
   * For how many adapters its rows are, each row naming its own in {@link
   * LanguageEncoding#ADAPTER}; 0 where rows do not choose.
   */
  default int adapters() {
    return 0;
  }

  /** The rows to learn from. */
  Batches train();

  /** The rows to choose the best checkpoint by, if some were kept aside. */
  Optional<Batches> validation();

  /**
   * What the rows to learn from are like, to be watched for in serving; absent where that cannot be
   * said. Reads them once more.
   */
  default Optional<Baseline> baseline() {
    return Optional.empty();
  }

  DataProvenance provenance();
}
