package io.athanor.server;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** The reference backend, which a test can hold up or make fail. */
final class PausableBackend implements Backend {
  private final Backend real = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final AtomicReference<RuntimeException> failure = new AtomicReference<>();
  private volatile CountDownLatch gate = new CountDownLatch(0);
  private volatile CountDownLatch arrival = new CountDownLatch(1);

  void pause() {
    arrival = new CountDownLatch(1);
    gate = new CountDownLatch(1);
  }

  /** Waits until a prediction is held up. */
  void awaitPaused() throws InterruptedException {
    if (!arrival.await(60, TimeUnit.SECONDS)) {
      throw new AssertionError("no prediction came");
    }
  }

  void resume() {
    gate.countDown();
  }

  void failNext(RuntimeException with) {
    failure.set(with);
  }

  @Override
  public CompiledModel compile(Graph graph, Weights weights, Precision precision) {
    CompiledModel model = real.compile(graph, weights, precision);
    return new CompiledModel() {
      @Override
      public Map<String, Tensor> predict(Map<String, Tensor> inputs) {
        arrival.countDown();
        try {
          if (!gate.await(60, TimeUnit.SECONDS)) {
            throw new AssertionError("never resumed");
          }
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
        RuntimeException wanted = failure.getAndSet(null);
        if (wanted != null) {
          throw wanted;
        }
        return model.predict(inputs);
      }

      @Override
      public void close() {
        model.close();
      }
    };
  }

  @Override
  public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
    return real.compile(graph, weights, mode);
  }

  @Override
  public String name() {
    return real.name();
  }

  @Override
  public Map<String, String> identity() {
    return real.identity();
  }

  @Override
  public Set<Capability> capabilities() {
    return real.capabilities();
  }

  @Override
  public Support check(Graph graph, TrainingMode mode) {
    return real.check(graph, mode);
  }

  @Override
  public Support check(Graph graph, Precision precision) {
    return real.check(graph, precision);
  }

  @Override
  public void close() {
    real.close();
  }
}
