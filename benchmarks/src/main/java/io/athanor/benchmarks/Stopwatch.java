package io.athanor.benchmarks;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.function.DoubleSupplier;

/**
 * Times calls. On one thread the clock is its processor time, so that waiting for a core does not
 * count; else wall time.
 */
final class Stopwatch {
  private static final double ROUND_SECONDS = 0.05;
  private static final int WARM_UP = 30;
  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

  private final int threads;
  private double sink;

  Stopwatch(int threads) {
    this.threads = threads;
  }

  /** The calls that fill a round, found while warming up. */
  int calls(DoubleSupplier call) {
    int calls = 1;
    for (int i = 0; i < WARM_UP; i++) {
      double time = microseconds(call, calls);
      calls = (int) Math.max(1, Math.min(calls * 4.0, ROUND_SECONDS * 1e6 / time));
    }
    return calls;
  }

  /** Of one call, on average over some. */
  double microseconds(DoubleSupplier call, int calls) {
    long start = clock();
    for (int i = 0; i < calls; i++) {
      sink += call.getAsDouble();
    }
    return Math.max(1, clock() - start) / 1e3 / calls;
  }

  private long clock() {
    return threads == 1 ? CPU.getCurrentThreadCpuTime() : System.nanoTime();
  }

  /** The sum of all results, so that none is left out. */
  double sink() {
    return sink;
  }
}
