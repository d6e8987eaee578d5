package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A backend as the training loop and serving call it. */
final class AthanorContender implements Contender {
  private final Graph graph;
  private final Backend backend;
  private final TrainableModel training;
  private final CompiledModel compiled;
  private final Map<String, Tensor> tensors;
  private final StepSettings settings = new StepSettings(0.001, 0);

  AthanorContender(String backendName, Workload workload, int threads) {
    graph = workload.graph();
    backend =
        Backends.installed()
            .named(backendName)
            .open(BackendOptions.defaults().withThreads(threads));
    Weights weights = workload.weights();
    training =
        backend.compile(graph, weights, new TrainingMode(Optimizer.adam(), Precision.F32, 1));
    compiled = backend.compile(graph, weights, Precision.F32);
    tensors = Map.of("x", workload.inputs(1), "y", workload.targets(2));
  }

  @Override
  public double step() {
    return training.step(List.of(new MicroBatch(tensors, 1)), settings).loss();
  }

  @Override
  public double predict() {
    return Objects.requireNonNull(compiled.predict(tensors).get("logits")).floatBuffer().get(0);
  }

  @Override
  public long parameters() {
    return graph.trainedParameterCount();
  }

  @Override
  public void close() {
    compiled.close();
    training.close();
    backend.close();
  }
}
