package io.athanor.benchmarks;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.graph.Flops;
import io.athanor.backend.djl.DjlBackendProvider;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;

/**
 * Times both contenders in turn within one JVM, round by round, so that what else runs on the
 * machine meets both alike. On one thread the clock is its processor time, so that waiting for a
 * core does not count. Prints a Markdown table of medians. Arguments: rounds, threads, names of
 * workloads.
 */
public final class SideBySide {
  private static final double ROUND_SECONDS = 0.05;
  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

  private final int rounds;
  private final int threads;
  private double sink;

  private SideBySide(int rounds, int threads) {
    this.rounds = rounds;
    this.threads = threads;
  }

  /** Runs the named workloads; all if none is named. */
  public static void main(String[] arguments) {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 30;
    int threads = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1;
    List<Workload> workloads =
        arguments.length > 2
            ? Arrays.stream(arguments).skip(2).map(Workload::valueOf).toList()
            : List.of(Workload.values());
    new SideBySide(rounds, threads).run(workloads);
  }

  private void run(List<Workload> workloads) {
    BackendOptions options = BackendOptions.defaults().withThreads(threads);
    try (Backend backend = new DjlBackendProvider().open(options)) {
      print("%s, rounds %d%n%n", backend.identity(), rounds);
      print("| net | call | Athanor, us | DJL, us | ratio (quartiles) |%n|---|---|---|---|---|%n");
      for (Workload workload : workloads) {
        compare(backend, workload);
      }
      peak(backend);
    }
    print("%n(sum of results %s)%n", sink);
  }

  private void compare(Backend backend, Workload workload) {
    try (Contender ours = new AthanorContender(backend, workload);
        Contender theirs = new DjlContender(workload, threads)) {
      if (ours.parameters() != theirs.parameters()) {
        throw new IllegalStateException(
            workload + ": " + ours.parameters() + " parameters and " + theirs.parameters());
      }
      row(workload, "step", ours::step, theirs::step);
      row(workload, "predict", ours::predict, theirs::predict);
    }
  }

  private void row(Workload workload, String call, DoubleSupplier ours, DoubleSupplier theirs) {
    int ourCalls = calls(ours);
    int theirCalls = calls(theirs);
    double[] a = new double[rounds];
    double[] b = new double[rounds];
    double[] ratio = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      a[i] = microseconds(ours, ourCalls);
      b[i] = microseconds(theirs, theirCalls);
      ratio[i] = b[i] / a[i];
    }
    print(
        "| %s | %s | %.1f ± %.1f | %.1f ± %.1f | **%.2f** (%.2f to %.2f) |%n",
        workload,
        call,
        Quantiles.of(a, 0.5),
        Quantiles.deviation(a),
        Quantiles.of(b, 0.5),
        Quantiles.deviation(b),
        Quantiles.of(ratio, 0.5),
        Quantiles.of(ratio, 0.25),
        Quantiles.of(ratio, 0.75));
  }

  /** The calls that fill a round, found while warming up. */
  private int calls(DoubleSupplier call) {
    int calls = 1;
    for (int i = 0; i < 12; i++) {
      double time = microseconds(call, calls);
      calls = (int) Math.max(1, Math.min(calls * 4.0, ROUND_SECONDS * 1e6 / time));
    }
    return calls;
  }

  private double microseconds(DoubleSupplier call, int calls) {
    long start = clock();
    for (int i = 0; i < calls; i++) {
      sink += call.getAsDouble();
    }
    return Math.max(1, clock() - start) / 1e3 / calls;
  }

  /** Processor time of this thread; wall time where others work for it. */
  private long clock() {
    return threads == 1 ? CPU.getCurrentThreadCpuTime() : System.nanoTime();
  }

  /** Training steps' share of what matrix products of their size reach in the same minute. */
  private void peak(Backend backend) {
    print("%n| net | GFLOP/s of a step | GFLOP/s of sgemm | share |%n|---|---|---|---|%n");
    share(backend, Workload.LARGE_MLP, Map.of("batch", 256L), 256, 2048, 2048);
    share(backend, Workload.ENCODER, Map.of("batch", 16L, "sequence", 64L), 1024, 128, 512);
  }

  private void share(
      Backend backend, Workload workload, Map<String, Long> sizes, long n, long k, long m) {
    double flops = Flops.of(workload.graph(), sizes).trainingTotal();
    try (Contender ours = new AthanorContender(backend, workload);
        NDManager manager = Engine.getEngine("PyTorch").newBaseManager()) {
      NDArray a = manager.randomNormal(new Shape(n, k));
      NDArray b = manager.randomNormal(new Shape(k, m));
      DoubleSupplier product =
          () -> {
            JniUtils.setNumThreads(threads);
            try (NDArray c = a.matMul(b)) {
              return c.getFloat(0, 0);
            }
          };
      int stepCalls = calls(ours::step);
      int productCalls = calls(product);
      double[] step = new double[rounds];
      double[] sgemm = new double[rounds];
      double[] share = new double[rounds];
      for (int i = 0; i < rounds; i++) {
        step[i] = flops / microseconds(ours::step, stepCalls) / 1e3;
        sgemm[i] = 2.0 * n * k * m / microseconds(product, productCalls) / 1e3;
        share[i] = step[i] / sgemm[i];
      }
      print(
          "| %s | %.1f | %.1f | %.0f %% |%n",
          workload,
          Quantiles.of(step, 0.5),
          Quantiles.of(sgemm, 0.5),
          100 * Quantiles.of(share, 0.5));
    }
  }

  private static void print(String format, Object... arguments) {
    System.out.printf(Locale.ROOT, format, arguments);
  }
}
