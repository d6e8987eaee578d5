package io.athanor.api.model;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
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

  /**
   * How its weights were trained to read text, with the longest sequence it takes, if it brings
   * weights and a tokenizer.
   */
  default Optional<LanguageEncoding> reading() {
    return Optional.empty();
  }

  /** First weights of that graph; random unless the architecture brings its own. */
  default Weights weights(Graph graph, long seed) {
    return Weights.initialize(graph, seed);
  }
}
