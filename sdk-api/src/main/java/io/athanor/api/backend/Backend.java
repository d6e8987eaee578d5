package io.athanor.api.backend;

import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.util.Map;
import java.util.Set;

/**
 * A compiler from {@link Graph} to something that runs. Thread-safe; the models it gives are not.
 * Closing it twice is fine; close its models first.
 */
public interface Backend extends AutoCloseable {
  /** The provider's name. */
  String name();

  /** Engine and native versions, device, threads: whatever changes bits. Goes into provenance. */
  Map<String, String> identity();

  /** What it claims on this machine. */
  Set<Capability> capabilities();

  /** Whether it can train this graph so. */
  Support check(Graph graph, TrainingMode mode);

  /** Whether it can predict with this graph. */
  Support check(Graph graph, Precision precision);

  /**
   * Compiles a graph with a loss for training; the weights are copied.
   *
   * @throws io.athanor.api.error.UnsupportedException where {@link #check} says so
   * @throws io.athanor.api.error.GraphException if the graph has no loss, or if weights are
   *     missing, of the wrong shape or not F32
   * @throws IllegalStateException after {@link #close}
   */
  TrainableModel compile(Graph graph, Weights weights, TrainingMode mode);

  /**
   * Compiles a graph for prediction; the weights are used as they are, without a copy where the
   * engine allows.
   *
   * @throws io.athanor.api.error.UnsupportedException where {@link #check} says so
   * @throws io.athanor.api.error.GraphException if weights are missing, of the wrong shape or not
   *     F32
   * @throws IllegalStateException after {@link #close}
   */
  CompiledModel compile(Graph graph, Weights weights, Precision precision);

  /** Whether it can decode with this graph; not, unless it claims {@link Capability#DECODE}. */
  default Support checkDecoder(Graph graph, Precision precision) {
    return new Support.Unsupported(
        "the backend '" + name() + "' does not decode", "Use a backend that claims DECODE");
  }

  /**
   * Compiles the graph of a causal language model for decoding: its input {@code tokens} is {@code
   * I64 [batch, sequence]}, all other inputs have one element for each row, its output {@code
   * output} is {@code [batch, sequence, vocabulary]}, and a position depends on those before it
   * through causal attention only. The weights are used as they are, without a copy where the
   * engine and the precision allow.
   *
   * @throws io.athanor.api.error.UnsupportedException where {@link #checkDecoder} says so
   * @throws io.athanor.api.error.GraphException if weights are missing, of the wrong shape or not
   *     F32
   * @throws IllegalStateException after {@link #close}
   */
  default Decoder decoder(Graph graph, Weights weights, Precision precision) {
    Support.Unsupported no = (Support.Unsupported) checkDecoder(graph, precision);
    throw new UnsupportedException(no.reason(), no.remedy());
  }

  @Override
  void close();
}
