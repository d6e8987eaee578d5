package io.athanor.training.loop;

import java.time.Duration;

/** Time spent training and rows per second, pauses left out. Used by the run's thread only. */
final class Stopwatch {
  private static final long WINDOW = 500_000_000L;

  private long earlierNanos;
  private long spent;
  private long since;
  private long windowStart;
  private long windowRows;
  private double rowsPerSecond;

  /** Begins with the time of earlier parts of the run. */
  void start(Duration earlier) {
    earlierNanos = earlier.toNanos();
    spent = earlierNanos;
    proceed();
  }

  void halt() {
    spent += System.nanoTime() - since;
  }

  void proceed() {
    since = System.nanoTime();
    windowStart = since;
    windowRows = 0;
  }

  Duration spent() {
    return Duration.ofNanos(spent + System.nanoTime() - since);
  }

  /** Of this part of the run only. */
  double secondsSinceStart() {
    return (spent + System.nanoTime() - since - earlierNanos) / 1e9;
  }

  /** Counts the rows of a step. */
  double rowsPerSecond(int rows) {
    windowRows += rows;
    long now = System.nanoTime();
    if (now - windowStart >= WINDOW || rowsPerSecond == 0) {
      rowsPerSecond = windowRows * 1e9 / Math.max(1, now - windowStart);
      windowStart = now;
      windowRows = 0;
    }
    return rowsPerSecond;
  }
}
