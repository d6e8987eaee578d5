package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.backend.djl.DjlBackendProvider;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One training step and one prediction, on one thread. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(2)
public class TrainingStepBenchmark {
  /** Which net. */
  @Param public Workload workload = Workload.MLP;

  /** By whom. */
  @Param({"athanor", "djl"})
  public String contender = "athanor";

  private @Nullable Backend backend;
  private @Nullable Contender current;

  /** Compiles the net. */
  @Setup
  public void open() {
    backend = new DjlBackendProvider().open(BackendOptions.defaults().withThreads(1));
    current =
        contender.equals("djl")
            ? new DjlContender(workload, 1)
            : new AthanorContender(backend, workload);
  }

  /** Frees it. */
  @TearDown
  public void close() {
    Objects.requireNonNull(current).close();
    Objects.requireNonNull(backend).close();
  }

  /** Forward, backward, Adam, loss read back. */
  @Benchmark
  public double step() {
    return Objects.requireNonNull(current).step();
  }

  /** Forward, logits read back. */
  @Benchmark
  public double predict() {
    return Objects.requireNonNull(current).predict();
  }
}
