package io.athanor.tck;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The reference backend; subclasses do one thing wrong. */
class FaultyBackend implements Backend, BackendProvider {
  private final BackendProvider provider = new ReferenceBackendProvider();
  private final Backend right = provider.open(BackendOptions.defaults());

  TrainableModel spoil(TrainableModel model) {
    return model;
  }

  CompiledModel spoil(CompiledModel model) {
    return model;
  }

  @Override
  public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
    return spoil(right.compile(graph, weights, mode));
  }

  @Override
  public CompiledModel compile(Graph graph, Weights weights, Precision precision) {
    return spoil(right.compile(graph, weights, precision));
  }

  @Override
  public Backend open(BackendOptions options) {
    return this;
  }

  @Override
  public String name() {
    return provider.name();
  }

  @Override
  public Support probe() {
    return provider.probe();
  }

  @Override
  public Map<String, String> identity() {
    return right.identity();
  }

  @Override
  public Set<Capability> capabilities() {
    return right.capabilities();
  }

  @Override
  public Support check(Graph graph, TrainingMode mode) {
    return right.check(graph, mode);
  }

  @Override
  public Support check(Graph graph, Precision precision) {
    return right.check(graph, precision);
  }

  @Override
  public void close() {
    right.close();
  }

  /** A model that passes everything on. */
  static class Model implements TrainableModel {
    final TrainableModel right;

    Model(TrainableModel right) {
      this.right = right;
    }

    @Override
    public StepResult step(List<MicroBatch> microBatches, StepSettings settings) {
      return right.step(microBatches, settings);
    }

    @Override
    public double loss(MicroBatch batch) {
      return right.loss(batch);
    }

    @Override
    public Weights gradients(MicroBatch batch) {
      return right.gradients(batch);
    }

    @Override
    public Map<String, Tensor> predict(Map<String, Tensor> inputs) {
      return right.predict(inputs);
    }

    @Override
    public Weights weights() {
      return right.weights();
    }

    @Override
    public Weights learned() {
      return right.learned();
    }

    @Override
    public TrainingState state() {
      return right.state();
    }

    @Override
    public void restore(TrainingState state) {
      right.restore(state);
    }

    @Override
    public void close() {
      right.close();
    }
  }
}
