package io.athanor.api.backend;

import io.athanor.api.common.Tensor;
import java.util.Map;

/** A graph ready to predict. Not thread-safe: one caller at a time. */
public interface CompiledModel extends AutoCloseable {
  /**
   * Runs the forward pass in one native call, dropout off and running statistics used.
   *
   * @param inputs a tensor for each feature input; further entries are ignored
   * @return a tensor for each output
   * @throws io.athanor.api.error.GraphException if an input is missing or does not fit its type, or
   *     an id is outside the table it points into
   * @throws IllegalStateException after {@link #close}
   */
  Map<String, Tensor> predict(Map<String, Tensor> inputs);

  /** Frees native memory; twice is fine. */
  @Override
  void close();
}
