package io.athanor.deploy.serve;

import io.athanor.api.deploy.LiveModel;
import java.util.List;

/** A model that turns texts into vectors. Thread-safe. */
public interface EmbeddingDeployment extends LiveModel {
  /** How many numbers a vector has. */
  int dimensions();

  /**
   * The vectors of texts, in their order.
   *
   * @param texts any number; none gives no vectors
   * @throws io.athanor.api.error.ValidationException if a text is empty
   * @throws io.athanor.api.error.BackendException if the engine fails, does not answer in time, or
   *     has too much to do; then {@code retryable()} is true
   * @throws IllegalStateException after {@link #close}
   */
  EmbeddingAnswer embed(List<String> texts);
}
