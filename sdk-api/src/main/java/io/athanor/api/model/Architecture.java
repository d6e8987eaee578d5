package io.athanor.api.model;

import io.athanor.api.data.Signature;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.util.Map;
import java.util.Optional;

/** A function from a configuration to a graph. Immutable and thread-safe. */
public interface Architecture {
  /** A short lower-case name, for example {@code "mlp"}. */
  String name();

  /** Its settings as JSON values; goes into {@code config.json}. */
  Map<String, Object> config();

  /**
   * The graph for this data, loss included, with the names that {@link Signature} defines.
   *
   * @throws io.athanor.api.error.ValidationException if the architecture cannot take such data
   */
  Graph graph(Signature signature);

  /** The tokenizer its weights were trained with, if it brings weights. */
  default Optional<Tokenizer> tokenizer() {
    return Optional.empty();
  }

  /** First weights of that graph; random unless the architecture brings its own. */
  default Weights weights(Graph graph, long seed) {
    return Weights.initialize(graph, seed);
  }
}
