package io.athanor.deploy.serve;

import io.athanor.api.deploy.DeploymentStats;
import java.time.Duration;
import org.HdrHistogram.Histogram;

/** Counts what a deployment does. Thread-safe. */
final class ServingCounts {
  private static final long LONGEST = Duration.ofHours(1).toNanos();

  private final Histogram latencies = new Histogram(1_000, LONGEST, 3);
  private long answered;
  private long failed;
  private long refused;
  private long batches;
  private int largestBatch;

  synchronized void answered(long latencyNanos) {
    answered++;
    latencies.recordValue(Math.min(Math.max(latencyNanos, 0), LONGEST));
  }

  synchronized void failed() {
    failed++;
  }

  synchronized void refused(int rows) {
    refused += rows;
  }

  synchronized void batch(int rows) {
    batches++;
    largestBatch = Math.max(largestBatch, rows);
  }

  synchronized DeploymentStats stats(int waiting) {
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
