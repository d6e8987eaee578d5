package io.athanor.tck.reference;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.DType;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Weights;
import io.athanor.api.graph.Widened;
import java.util.Map;
import java.util.Set;

/** Runs graphs in plain Java doubles. */
final class ReferenceBackend implements Backend {
  static final String NAME = "reference";
  static final Set<Capability> CAPABILITIES =
      Set.of(Capability.PREDICT, Capability.TRAIN, Capability.DECODE, Capability.DETERMINISTIC);

  private volatile boolean closed;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> identity() {
    return Map.of(
        "backend", NAME, "device", "cpu", "threads", "1", "java", Runtime.version().toString());
  }

  @Override
  public Set<Capability> capabilities() {
    return CAPABILITIES;
  }

  @Override
  public Support check(Graph graph, TrainingMode mode) {
    return Support.withoutQuantized(graph).and(() -> check(graph, mode.precision()));
  }

  @Override
  public Support check(Graph graph, Precision precision) {
    if (precision != Precision.F32) {
      return new Support.Unsupported(
          "the reference backend does not compute in " + precision, "Use precision F32");
    }
    for (Input input : graph.inputs()) {
      DType dtype = input.type().dtype();
      if (dtype != DType.F32 && dtype != DType.I64) {
        return new Support.Unsupported(
            "the reference backend takes no " + dtype + " as in input '" + input.name() + "'",
            "Declare the input as F32");
      }
    }
    return Support.withoutForeign(graph);
  }

  @Override
  public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
    requireOpen();
    check(graph, mode).require();
    return new ReferenceTrainableModel(graph, weights, mode);
  }

  @Override
  public CompiledModel compile(Graph graph, Weights weights, Precision precision) {
    requireOpen();
    check(graph, precision).require();
    return new ReferenceModel(graph, weights);
  }

  @Override
  public Support checkDecoder(Graph graph, Precision precision) {
    Graph prediction = graph.forPrediction();
    Support support = Causality.check(prediction);
    return support instanceof Support.Unsupported ? support : check(prediction, precision);
  }

  @Override
  public Decoder decoder(Graph graph, Weights weights, Precision precision) {
    requireOpen();
    checkDecoder(graph, precision).require();
    Widened model = Widened.of(graph.forPrediction(), weights);
    return new ReferenceDecoder(model.graph(), new ReferenceModel(model.graph(), model.weights()));
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The reference backend is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
