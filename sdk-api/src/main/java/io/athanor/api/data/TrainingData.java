package io.athanor.api.data;

import java.util.Optional;

/** Everything a training run needs to know of its data. Thread-safe. */
public interface TrainingData {
  /** Fitted on the training rows only. */
  FeatureEncoding encoding();

  /** The rows to learn from. */
  Batches train();

  /** The rows to choose the best checkpoint by, if some were kept aside. */
  Optional<Batches> validation();

  DataProvenance provenance();
}
