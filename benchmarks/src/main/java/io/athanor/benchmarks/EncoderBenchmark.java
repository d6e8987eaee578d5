package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Merged;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Texts a second through an encoder that was tuned by LoRA, 32 at a time, as it was trained and
 * merged, in number formats that the processor has. {@code -p artifact=FOLDER} names its folder,
 * for example what the sample {@code SpamFilter} registers.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 3)
@Measurement(iterations = 5, time = 3)
@SuppressWarnings("NullAway.Init")
public class EncoderBenchmark {
  private static final int ROWS = 32;

  @Param("models/spam-filter/1")
  public String artifact;

  @Param({"false", "true"})
  public boolean merged;

  @Param({"F32", "BF16"})
  public Precision precision;

  @Param({"16", "96"})
  public int tokens;

  @Param("1")
  public int threads;

  private Backend backend;
  private CompiledModel model;
  private Map<String, Tensor> inputs;

  @Setup
  public void compile() {
    ModelArtifact read = ArtifactFolder.read(Path.of(artifact));
    Merged served =
        merged
            ? Merged.of(read.graph(), read.weights())
            : new Merged(read.graph().forPrediction(), read.weights());
    backend =
        Backends.installed().named("djl").open(BackendOptions.defaults().withThreads(threads));
    model = backend.compile(served.graph(), served.weights(), precision);
    inputs = inputs(served.graph());
  }

  /** Ordinary words of the vocabulary, no padding. */
  private Map<String, Tensor> inputs(Graph graph) {
    SplittableRandom random = new SplittableRandom(1);
    Map<String, Tensor> all = new HashMap<>();
    for (Input input : graph.inputs()) {
      boolean ids = input.type().dtype() == DType.I64;
      long[] words = random.longs((long) ROWS * tokens, 2_000, 20_000).toArray();
      float[] ones = new float[ROWS * tokens];
      Arrays.fill(ones, 1);
      all.put(
          input.name(),
          ids ? Tensor.ofLongs(words, ROWS, tokens) : Tensor.ofFloats(ones, ROWS, tokens));
    }
    return all;
  }

  @TearDown
  public void close() {
    model.close();
    backend.close();
  }

  @Benchmark
  @OperationsPerInvocation(ROWS)
  public Map<String, Tensor> texts() {
    return model.predict(inputs);
  }
}
