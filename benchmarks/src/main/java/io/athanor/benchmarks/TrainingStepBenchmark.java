package io.athanor.benchmarks;

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
  @Param public Side side = Side.ATHANOR_DJL;

  private @Nullable Contender contender;

  /** Compiles the net. */
  @Setup
  public void open() {
    contender = side.open(workload, 1);
  }

  /** Frees it. */
  @TearDown
  public void close() {
    Objects.requireNonNull(contender).close();
  }

  /** Forward, backward, Adam, loss read back. */
  @Benchmark
  public double step() {
    return Objects.requireNonNull(contender).step();
  }

  /** Forward, logits read back. */
  @Benchmark
  public double predict() {
    return Objects.requireNonNull(contender).predict();
  }
}
