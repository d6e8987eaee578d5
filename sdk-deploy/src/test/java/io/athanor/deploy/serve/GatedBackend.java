package io.athanor.deploy.serve;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The reference backend, whose decoders note how many rows each pass has and, once it is gated,
 * wait for a permit before each.
 */
final class GatedBackend implements Backend {
  final Semaphore permits = new Semaphore(0);
  final BlockingQueue<Integer> begun = new LinkedBlockingQueue<>();
  final CountDownLatch freed = new CountDownLatch(1);
  volatile boolean gated;
  volatile RuntimeException nextFailure;
  volatile int replaced;
  private final Backend reference = new ReferenceBackendProvider().open(BackendOptions.defaults());

  private void pass(int rows) {
    if (!gated) {
      return;
    }
    begun.add(rows);
    try {
      if (!permits.tryAcquire(20, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the test gave no permit");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    RuntimeException failure = nextFailure;
    if (failure != null) {
      nextFailure = null;
      throw failure;
    }
  }

  /** The rows of the next pass, which may be waiting for its permit. */
  int awaitPass() throws InterruptedException {
    Integer rows = begun.poll(20, TimeUnit.SECONDS);
    if (rows == null) {
      throw new IllegalStateException("the engine was not asked");
    }
    return rows;
  }

  @Override
  public Decoder decoder(Graph graph, Weights weights, Precision precision) {
    Decoder decoder = reference.decoder(graph, weights, precision);
    return new Decoder() {
      @Override
      public Tensor begin(List<int[]> prompts, int capacity, Map<String, Tensor> rowInputs) {
        pass(prompts.size());
        return decoder.begin(prompts, capacity, rowInputs);
      }

      @Override
      public Tensor next(int[] tokens) {
        pass(tokens.length);
        return decoder.next(tokens);
      }

      @Override
      public void keep(int[] rows) {
        decoder.keep(rows);
      }

      @Override
      public void replaceAdapter(int adapter, Map<String, Tensor> entries) {
        replaced++;
        decoder.replaceAdapter(adapter, entries);
      }

      @Override
      public void close() {
        decoder.close();
        freed.countDown();
      }
    };
  }

  @Override
  public String name() {
    return "gated";
  }

  @Override
  public Map<String, String> identity() {
    return reference.identity();
  }

  @Override
  public Set<Capability> capabilities() {
    return reference.capabilities();
  }

  @Override
  public Support check(Graph graph, TrainingMode mode) {
    return reference.check(graph, mode);
  }

  @Override
  public Support check(Graph graph, Precision precision) {
    return reference.check(graph, precision);
  }

  @Override
  public Support checkDecoder(Graph graph, Precision precision) {
    return reference.checkDecoder(graph, precision);
  }

  @Override
  public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
    return reference.compile(graph, weights, mode);
  }

  @Override
  public CompiledModel compile(Graph graph, Weights weights, Precision precision) {
    return reference.compile(graph, weights, precision);
  }

  @Override
  public void close() {
    reference.close();
  }
}
