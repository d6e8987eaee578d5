package io.athanor.benchmarks;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Flops;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Optimizer steps of a language model of the shape of SmolLM2-135M with random weights: tokens per
 * second (of processor time with one thread), the share of a plain matrix product's speed, and the
 * most memory the process ever held. Arguments: {@code full}, {@code lora}, {@code full-recompute}
 * or {@code lora-recompute}; then optionally threads, rows, positions and steps. One mode a
 * process, since the memory is the process's.
 */
public final class LanguageModelStep {
  private static final int VOCABULARY = 49_152;
  private static final int SIZE = 576;
  private static final int LAYERS = 30;
  private static final int HEADS = 9;
  private static final int KEY_HEADS = 3;
  private static final int INNER = 1536;
  private static final int RANK = 8;

  private final GraphBuilder b = Graph.builder("smollm2-135m");
  private final boolean lora;

  private LanguageModelStep(boolean lora) {
    this.lora = lora;
  }

  /** Runs one mode. */
  public static void main(String[] arguments) throws IOException {
    String mode = arguments.length > 0 ? arguments[0] : "full";
    int threads = number(arguments, 1, 1);
    int rows = number(arguments, 2, 2);
    int length = number(arguments, 3, 256);
    int steps = number(arguments, 4, 10);
    Graph graph = new LanguageModelStep(mode.startsWith("lora")).graph();
    TrainingMode training =
        new TrainingMode(Optimizer.adamW(0.01), Precision.F32, 1, mode.endsWith("recompute"));
    BackendOptions options = BackendOptions.defaults().withThreads(threads);
    try (Backend backend = Backends.installed().named("djl").open(options)) {
      Compiled compiled = compile(backend, graph, training);
      System.gc();
      try (TrainableModel model = compiled.model) {
        double[] seconds = new double[steps];
        double[] products = new double[steps];
        double loss = 0;
        for (int i = -1; i < steps; i++) {
          long begin = clock(threads);
          StepResult result = model.step(List.of(batch(rows, length)), new StepSettings(1e-4, 1));
          double second = (clock(threads) - begin) / 1e9;
          loss = result.loss();
          if (i >= 0) {
            seconds[i] = second;
            products[i] = product(threads, (long) rows * length);
          }
        }
        double flops =
            Flops.of(graph, Map.of("batch", (long) rows, "sequence", (long) length))
                .trainingTotal();
        double median = Quantiles.of(seconds, 0.5);
        double rate = flops / median / 1e9;
        double sgemm = Quantiles.of(products, 0.5);
        System.out.printf(
            Locale.ROOT,
            "%s, %d threads, %d x %d: %.1f tokens/s (%.3f s a step), %.1f GFLOP/s, %.0f %% of sgemm"
                + " at %.1f, peak memory %d MiB, compiled in %.0f ms, loss %.4f%n",
            mode,
            threads,
            rows,
            length,
            rows * length / median,
            median,
            rate,
            100 * rate / sgemm,
            sgemm,
            peak(),
            compiled.milliseconds,
            loss);
      }
    }
  }

  /** With one thread its processor time, so that other processes do not count. */
  private static long clock(int threads) {
    return threads == 1
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
        : System.nanoTime();
  }

  /** GFLOP/s of a plain product of the size of the feed-forward layer's. */
  private static double product(int threads, long rows) {
    try (NDManager manager = Engine.getEngine("PyTorch").newBaseManager()) {
      NDArray x = manager.randomNormal(new Shape(rows, SIZE));
      NDArray w = manager.randomNormal(new Shape(SIZE, INNER));
      JniUtils.setNumThreads(threads);
      long begin = 0;
      for (int i = -1; i < 20; i++) {
        if (i == 0) {
          begin = clock(threads);
        }
        x.matMul(w).close();
      }
      return 20 * 2.0 * rows * SIZE * INNER / (clock(threads) - begin);
    }
  }

  private record Compiled(TrainableModel model, double milliseconds) {}

  /** Keeps no hold of the first weights. */
  private static Compiled compile(Backend backend, Graph graph, TrainingMode training) {
    Weights weights = Weights.initialize(graph, 1);
    long start = System.nanoTime();
    TrainableModel model = backend.compile(graph, weights, training);
    return new Compiled(model, (System.nanoTime() - start) / 1e6);
  }

  private static int number(String[] arguments, int index, int otherwise) {
    return arguments.length > index ? Integer.parseInt(arguments[index]) : otherwise;
  }

  private static long peak() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmHWM"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024)
        .findFirst()
        .orElseThrow();
  }

  private static MicroBatch batch(int rows, int length) {
    SplittableRandom random = new SplittableRandom(7);
    long[] tokens = random.longs((long) rows * length, 0, VOCABULARY).toArray();
    long[] targets = random.longs((long) rows * length, 0, VOCABULARY).toArray();
    return new MicroBatch(
        Map.of(
            "tokens", Tensor.ofLongs(tokens, rows, length),
            "target", Tensor.ofLongs(targets, rows, length)),
        (double) rows * length);
  }

  private Graph graph() {
    Value tokens = b.input("tokens", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value target = b.target("target", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = b.embedding("embed", tokens, VOCABULARY, SIZE, 0.02);
    for (int i = 0; i < LAYERS; i++) {
      x = layer("layer" + i, x);
    }
    Value logits =
        b.apply("head", new LayerOp.Linear("embed.weight", null), b.rmsNorm("norm", x, 1e-5));
    Graph graph = b.output("output", logits).loss(b.crossEntropy(logits, target)).build();
    return lora ? graph.freeze(name -> !name.contains("lora")) : graph;
  }

  private Value layer(String layer, Value x) {
    int headSize = SIZE / HEADS;
    Value n = b.rmsNorm(layer + ".norm1", x, 1e-5);
    Value q = b.rope(projection(layer + ".q", n, SIZE), headSize, 10_000);
    Value k = b.rope(projection(layer + ".k", n, (long) KEY_HEADS * headSize), headSize, 10_000);
    Value v = projection(layer + ".v", n, (long) KEY_HEADS * headSize);
    Value a = b.attention(layer + ".attention", HEADS, true, 0, q, k, v);
    Value y = b.add(x, projection(layer + ".o", a, SIZE));
    n = b.rmsNorm(layer + ".norm2", y, 1e-5);
    Value gate = b.activation(Activation.Kind.SILU, b.linearWithoutBias(layer + ".gate", n, INNER));
    Value inner = b.multiply(gate, b.linearWithoutBias(layer + ".up", n, INNER));
    return b.add(y, b.linearWithoutBias(layer + ".down", inner, SIZE));
  }

  private Value projection(String layer, Value x, long out) {
    Value y = b.linearWithoutBias(layer, x, out);
    if (!lora) {
      return y;
    }
    Initializer first = new Initializer.Normal(0.02);
    String down = b.parameter(layer + ".lora_a", first, RANK, x.shape().dim(-1).offset());
    String up = b.parameter(layer + ".lora_b", Initializer.ZEROS, out, RANK);
    Value low = b.apply(layer + ".low", new LayerOp.Linear(down, null), x);
    return b.add(y, b.scale(b.apply(layer + ".path", new LayerOp.Linear(up, null), low), 2));
  }
}
