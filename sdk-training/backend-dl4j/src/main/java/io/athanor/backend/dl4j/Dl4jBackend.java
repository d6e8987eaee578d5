package io.athanor.backend.dl4j;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.DType;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Weights;
import java.util.Map;
import java.util.Set;

/** Compiles graphs to SameDiff. Thread-safe. */
final class Dl4jBackend implements Backend {
  private static final String OTHER = "Use the backend 'djl' (io.athanor:backend-djl)";

  private final BackendOptions options;
  private final Set<Capability> capabilities;
  private volatile boolean closed;

  /** The engine has started. */
  Dl4jBackend(BackendOptions options, Set<Capability> capabilities) {
    this.options = options;
    this.capabilities = capabilities;
  }

  @Override
  public String name() {
    return Dl4jBackendProvider.NAME;
  }

  @Override
  public Map<String, String> identity() {
    return Nd4jEngine.identity(options);
  }

  @Override
  public Set<Capability> capabilities() {
    return capabilities;
  }

  @Override
  public Support check(Graph graph, TrainingMode mode) {
    if (graph.loss().isEmpty()) {
      return new Support.Unsupported(
          "the graph '" + graph.name() + "' has no loss to train on",
          "Name one with GraphBuilder.loss");
    }
    if (graph.trainedParameterCount() == 0) {
      return new Support.Unsupported(
          "the graph '" + graph.name() + "' has no trained parameter", "Freeze fewer of them");
    }
    if (mode.recompute()) {
      return new Support.Unsupported(
          "the backend 'dl4j' keeps all activations: SameDiff cannot compute them again",
          OTHER + ", or train without recompute");
    }
    return check(graph, mode.precision());
  }

  @Override
  public Support check(Graph graph, Precision precision) {
    if (precision != Precision.F32) {
      return new Support.Unsupported(
          "the backend 'dl4j' does not compute in " + precision, OTHER + ", or Precision.F32");
    }
    for (Input input : graph.inputs()) {
      DType dtype = input.type().dtype();
      if (dtype != DType.F32 && dtype != DType.I64) {
        return new Support.Unsupported(
            "input '" + input.name() + "' of type " + dtype, "Use F32 or I64");
      }
    }
    return Support.withoutForeign(graph);
  }

  @Override
  public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
    requireOpen();
    if (graph.loss().isEmpty()) {
      throw new GraphException(
          graph.name(), "expected a graph with a loss; name one with GraphBuilder.loss");
    }
    check(graph, mode).require();
    return new SameDiffTraining(graph, Parameters.of(graph, weights), mode);
  }

  @Override
  public CompiledModel compile(Graph whole, Weights weights, Precision precision) {
    requireOpen();
    Graph graph = whole.forPrediction();
    check(graph, precision).require();
    return new SameDiffModel(graph, Parameters.of(graph, weights));
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The backend is closed; open another");
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
