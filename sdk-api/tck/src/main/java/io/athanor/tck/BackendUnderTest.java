package io.athanor.tck;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * What every part of {@link BackendContract} needs: the backend, and the one to compare it with.
 */
interface BackendUnderTest {
  /** The backend, open. */
  Backend backend();

  /** A backend known to be right. */
  default Backend reference() {
    return new ReferenceBackendProvider().open(BackendOptions.defaults());
  }

  /** Skips a test of something that is not claimed. */
  default void assumeClaims(Capability capability) {
    Assumptions.assumeTrue(
        backend().capabilities().contains(capability), () -> "does not claim " + capability);
  }

  /** The optimizers every training backend must have. */
  static List<Optimizer> optimizers() {
    return List.of(
        Optimizer.sgd(0),
        new Optimizer.Sgd(0.9, 0.01),
        Optimizer.adam(),
        Optimizer.adamW(0.05),
        new Optimizer.AdamW(0.8, 0.9, 1e-5, 0.3));
  }

  static TrainingMode training(Optimizer optimizer) {
    return new TrainingMode(optimizer, Precision.F32, 11);
  }

  static TrainableModel trainable(
      Backend backend, Graph graph, Weights weights, Optimizer optimizer) {
    return backend.compile(graph, weights, training(optimizer));
  }

  static CompiledModel compiled(Backend backend, Graph graph, Weights weights) {
    return backend.compile(graph, weights, Precision.F32);
  }

  /** Settings without clipping. */
  static StepSettings rate(double learningRate) {
    return new StepSettings(learningRate, 0);
  }
}
