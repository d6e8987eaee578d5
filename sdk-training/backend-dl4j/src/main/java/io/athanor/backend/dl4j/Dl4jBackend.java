package io.athanor.backend.dl4j;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.graph.Widened;
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
    return Support.trainable(graph)
        .and(() -> checkActivations(mode))
        .and(() -> check(graph, mode.precision()));
  }

  private static Support checkActivations(TrainingMode mode) {
    return mode.recompute()
        ? new Support.Unsupported(
            "the backend 'dl4j' keeps all activations: SameDiff cannot compute them again",
            OTHER + ", or train without recompute")
        : new Support.Supported();
  }

  @Override
  public Support check(Graph graph, Precision precision) {
    if (precision != Precision.F32) {
      return new Support.Unsupported(
          "the backend 'dl4j' does not compute in " + precision, OTHER + ", or Precision.F32");
    }
    return Support.commonInputs(graph).and(() -> Support.withoutForeign(graph));
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
    check(whole.forPrediction(), precision).require();
    Widened model = Widened.of(whole.forPrediction(), weights);
    return new SameDiffModel(model.graph(), Parameters.of(model.graph(), model.weights()));
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
