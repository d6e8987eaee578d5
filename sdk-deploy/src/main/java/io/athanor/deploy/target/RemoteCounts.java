package io.athanor.deploy.target;

import io.athanor.api.deploy.DeploymentStats;
import java.time.Duration;
import org.HdrHistogram.Histogram;

/** Counts what a remote model is asked. Thread-safe. */
final class RemoteCounts {
  private static final long LONGEST = Duration.ofHours(1).toNanos();

  private final Histogram latencies = new Histogram(1_000, LONGEST, 3);
  private long answered;
  private long failed;
  private long refused;
  private long requests;
  private int largest;

  synchronized void answered(int rows, Duration latency) {
    answered += rows;
    requests++;
    largest = Math.max(largest, rows);
    latencies.recordValueWithCount(Math.min(latency.toNanos(), LONGEST), rows);
  }

  synchronized void failed(int rows) {
    failed += rows;
  }

  synchronized void refused(int rows) {
    refused += rows;
  }

  synchronized DeploymentStats stats(int waiting) {
    return new DeploymentStats(
        answered,
        failed,
        refused,
        requests,
        largest,
        waiting,
        Duration.ofNanos(Math.round(answered == 0 ? 0 : latencies.getMean())),
        Duration.ofNanos(latencies.getValueAtPercentile(50)),
        Duration.ofNanos(latencies.getValueAtPercentile(99)));
  }
}
