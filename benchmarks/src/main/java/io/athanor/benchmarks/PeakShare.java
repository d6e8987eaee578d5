package io.athanor.benchmarks;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import io.athanor.api.graph.Flops;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;

/**
 * The share that training steps of the DJL backend have of what matrix products of their size reach
 * in the same minute, as a Markdown table. Arguments: rounds, threads.
 */
public final class PeakShare {
  private final int rounds;
  private final int threads;
  private final Stopwatch stopwatch;

  private PeakShare(int rounds, int threads) {
    this.rounds = rounds;
    this.threads = threads;
    this.stopwatch = new Stopwatch(threads);
  }

  /** Prints the table. */
  public static void main(String[] arguments) {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 30;
    int threads = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1;
    PeakShare share = new PeakShare(rounds, threads);
    print("| net | GFLOP/s of a step | GFLOP/s of sgemm | share |%n|---|---|---|---|%n");
    share.row(Workload.LARGE_MLP, Map.of("batch", 256L), 256, 2048, 2048);
    share.row(Workload.ENCODER, Map.of("batch", 16L, "sequence", 64L), 1024, 128, 512);
    print("%n(sum of results %s)%n", share.stopwatch.sink());
  }

  private void row(Workload workload, Map<String, Long> sizes, long n, long k, long m) {
    double flops = Flops.of(workload.graph(), sizes).trainingTotal();
    try (Contender ours = Side.ATHANOR_DJL.open(workload, threads);
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
      int stepCalls = stopwatch.calls(ours::step);
      int productCalls = stopwatch.calls(product);
      double[] step = new double[rounds];
      double[] sgemm = new double[rounds];
      double[] share = new double[rounds];
      for (int i = 0; i < rounds; i++) {
        step[i] = flops / stopwatch.microseconds(ours::step, stepCalls) / 1e3;
        sgemm[i] = 2.0 * n * k * m / stopwatch.microseconds(product, productCalls) / 1e3;
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
