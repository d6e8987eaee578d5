package io.athanor.deploy.serve;

import io.athanor.api.deploy.DeploymentStats;
import java.time.Duration;
import org.HdrHistogram.Histogram;

/** Counts what a deployment does, wherever its engine runs. Thread-safe. */
public final class ServingCounts {
  private static final long LONGEST = Duration.ofHours(1).toNanos();

  private final Histogram latencies = new Histogram(1_000, LONGEST, 3);
  private long answered;
  private long failed;
  private long refused;
  private long batches;
  private int largestBatch;

  /** Nothing yet. */
  public ServingCounts() {}

  /**
   * Rows or texts that were answered together.
   *
   * @param rows at least 1
   * @param latencyNanos that each of them took; counted as 0 to an hour
   */
  public synchronized void answered(int rows, long latencyNanos) {
    answered += rows;
    latencies.recordValueWithCount(Math.min(Math.max(latencyNanos, 0), LONGEST), rows);
  }

  /** Rows or texts that got an error, or whose caller gave up. */
  public synchronized void failed(int rows) {
    failed += rows;
  }

  /** Rows or texts that were not taken because too many wait. */
  public synchronized void refused(int rows) {
    refused += rows;
  }

  /** A pass through the engine, or a request to another server. */
  public synchronized void batch(int rows) {
    batches++;
    largestBatch = Math.max(largestBatch, rows);
  }

  /**
   * All of it.
   *
   * @param waiting rows or texts that wait now
   */
  public synchronized DeploymentStats stats(int waiting) {
    return new DeploymentStats(
        answered,
        failed,
        refused,
        batches,
        largestBatch,
        waiting,
        Duration.ofNanos(Math.round(answered == 0 ? 0 : latencies.getMean())),
        Duration.ofNanos(latencies.getValueAtPercentile(50)),
        Duration.ofNanos(latencies.getValueAtPercentile(99)));
  }
}
