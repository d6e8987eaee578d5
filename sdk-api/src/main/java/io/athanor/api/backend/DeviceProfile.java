package io.athanor.api.backend;

import com.sun.management.OperatingSystemMXBean;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Flops;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.ShapeOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * What a device can do and costs, as far as an estimate of time, memory and money asks.
 *
 * @param name for people
 * @param flopsPerSecond floating-point operations a second that large matrix products sustain
 * @param efficiency the share of that rate which training reaches, in (0, 1]
 * @param memory in bytes
 * @param bytesPerSecond bytes a second that memory sustains, reads and writes together
 * @param secondsPerOperation what an operation takes that has next to nothing to compute; at least
 *     0
 * @param hostMemory whether Java has its objects in the same memory, as on a processor
 * @param pricePerHour in whatever currency, if it is known
 */
public record DeviceProfile(
    String name,
    double flopsPerSecond,
    double efficiency,
    long memory,
    double bytesPerSecond,
    double secondsPerOperation,
    boolean hostMemory,
    OptionalDouble pricePerHour) {
  /**
   * What the DJL backend reaches with language models on a processor is 0.5 to 0.8 ({@code
   * benchmarks/results/language-model-step.md}).
   */
  public static final double TYPICAL_EFFICIENCY = 0.65;

  private static final int ROWS = 512;
  private static final int WIDTH = 1024;
  private static final int LAYERS = 4;

  /** 16 MiB: beyond a core's caches, but allocators do not fetch fresh pages for every vector. */
  private static final int LONG = 4 << 20;

  private static final int PASSES = 8;
  private static final int RUNS = 5;
  private static final int SMALL = 8;
  private static final int STEPS = 20;

  public DeviceProfile {
    positive("flopsPerSecond", flopsPerSecond);
    positive("bytesPerSecond", bytesPerSecond);
    if (!(efficiency > 0 && efficiency <= 1)) {
      throw new IllegalArgumentException("efficiency must be in (0, 1], got " + efficiency);
    }
    if (!(secondsPerOperation >= 0) || !Double.isFinite(secondsPerOperation)) {
      throw new IllegalArgumentException(
          "secondsPerOperation must be at least 0, got " + secondsPerOperation);
    }
    if (memory < 1) {
      throw new IllegalArgumentException("memory must be at least 1, got " + memory);
    }
    if (pricePerHour.isPresent()
        && !(pricePerHour.getAsDouble() >= 0 && Double.isFinite(pricePerHour.getAsDouble()))) {
      throw new IllegalArgumentException(
          "pricePerHour must be at least 0, got " + pricePerHour.getAsDouble());
    }
  }

  private static void positive(String name, double value) {
    if (!(value > 0) || !Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be above 0, got " + value);
    }
  }

  /** A processor, which computes where Java has its objects. */
  public static DeviceProfile processor(
      String name, double flopsPerSecond, long memory, double bytesPerSecond) {
    return new DeviceProfile(
        name,
        flopsPerSecond,
        TYPICAL_EFFICIENCY,
        memory,
        bytesPerSecond,
        0,
        true,
        OptionalDouble.empty());
  }

  /** A graphics device with memory of its own. */
  public static DeviceProfile graphics(
      String name, double flopsPerSecond, long memory, double bytesPerSecond) {
    return new DeviceProfile(
        name,
        flopsPerSecond,
        TYPICAL_EFFICIENCY,
        memory,
        bytesPerSecond,
        0,
        false,
        OptionalDouble.empty());
  }

  /**
   * Measures the processor through a backend, which takes some seconds: products of matrices, sums
   * of long vectors, and training steps of a network of two tiny layers, each several times, of
   * which the median counts. The memory is what the system says this process may use.
   *
   * @throws io.athanor.api.error.BackendException if the engine fails
   */
  public static DeviceProfile measured(Backend backend) {
    return processor(
            "this machine, by the backend " + backend.name(),
            products(backend),
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize(),
            bandwidth(backend))
        .secondsPerOperation(
            backend.capabilities().contains(Capability.TRAIN) ? operation(backend) : 0);
  }

  private static double products(Backend backend) {
    GraphBuilder b = Graph.builder("products");
    Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(WIDTH)));
    for (int i = 0; i < LAYERS; i++) {
      x = b.linearWithoutBias("layer" + i, x, WIDTH);
    }
    Graph graph = b.output("y", x).build();
    double flops = Flops.of(graph, Map.of("batch", (long) ROWS)).forwardTotal();
    return flops / seconds(backend, graph, ROWS, WIDTH);
  }

  private static double bandwidth(Backend backend) {
    GraphBuilder b = Graph.builder("bandwidth");
    Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(LONG)));
    for (int i = 0; i < PASSES; i++) {
      x = b.scale(x, 0.5);
    }
    Graph graph = b.output("y", b.reduce(ShapeOp.Reduce.Statistic.SUM, x, 0, 1)).build();
    double bytes = (2.0 * PASSES + 1) * LONG * Float.BYTES;
    return bytes / seconds(backend, graph, 1, LONG);
  }

  /** Of steps that have almost nothing but operations to begin. */
  private static double operation(Backend backend) {
    GraphBuilder b = Graph.builder("operations");
    Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(SMALL)));
    Value y = b.target("y", TensorType.f32(Dim.BATCH, Dim.of(SMALL)));
    for (int i = 0; i < 2; i++) {
      x = b.relu(b.linear("layer" + i, x, SMALL));
    }
    Graph graph = b.output("z", x).loss(b.meanSquaredError(x, y)).build();
    Tensor row = Tensor.ofFloats(new float[SMALL], 1, SMALL);
    List<MicroBatch> batch = List.of(new MicroBatch(Map.of("x", row, "y", row), 1));
    StepSettings settings = new StepSettings(1e-3, 1);
    try (TrainableModel model =
        backend.compile(
            graph,
            Weights.initialize(graph, 1),
            new TrainingMode(Optimizer.adam(), Precision.F32, 1))) {
      Runnable steps =
          () -> {
            for (int i = 0; i < STEPS; i++) {
              model.step(batch, settings);
            }
          };
      for (int i = 0; i < RUNS; i++) {
        steps.run();
      }
      return median(steps) / STEPS / (2.0 * graph.nodes().size());
    }
  }

  private static double seconds(Backend backend, Graph graph, long rows, long width) {
    Map<String, Tensor> input =
        Map.of("x", Tensor.of(DType.F32, Tensor.allocate(DType.F32, rows * width), rows, width));
    try (CompiledModel model =
        backend.compile(graph, Weights.initialize(graph, 1), Precision.F32)) {
      model.predict(input);
      return median(() -> model.predict(input));
    }
  }

  private static double median(Runnable run) {
    double[] seconds = new double[RUNS];
    for (int i = 0; i < RUNS; i++) {
      long begin = System.nanoTime();
      run.run();
      seconds[i] = (System.nanoTime() - begin) / 1e9;
    }
    Arrays.sort(seconds);
    return seconds[RUNS / 2];
  }

  /** Another share of the rate; in (0, 1]. */
  public DeviceProfile efficiency(double share) {
    return new DeviceProfile(
        name,
        flopsPerSecond,
        share,
        memory,
        bytesPerSecond,
        secondsPerOperation,
        hostMemory,
        pricePerHour);
  }

  /** Another size of the memory in bytes, for example what is left of it; at least 1. */
  public DeviceProfile memory(long bytes) {
    return new DeviceProfile(
        name,
        flopsPerSecond,
        efficiency,
        bytes,
        bytesPerSecond,
        secondsPerOperation,
        hostMemory,
        pricePerHour);
  }

  /** Another fixed cost of an operation; at least 0. */
  public DeviceProfile secondsPerOperation(double seconds) {
    return new DeviceProfile(
        name,
        flopsPerSecond,
        efficiency,
        memory,
        bytesPerSecond,
        seconds,
        hostMemory,
        pricePerHour);
  }

  /** What an hour costs, in whatever currency; at least 0. */
  public DeviceProfile pricePerHour(double price) {
    return new DeviceProfile(
        name,
        flopsPerSecond,
        efficiency,
        memory,
        bytesPerSecond,
        secondsPerOperation,
        hostMemory,
        OptionalDouble.of(price));
  }
}
