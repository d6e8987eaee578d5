package io.athanor.deploy.rollout;

import java.time.Duration;
import org.HdrHistogram.Histogram;

/**
 * What a model was asked in a window, and what became of it. Latencies are exact to one percent.
 * Immutable.
 */
public final class Readings {
  private final Duration window;
  private final long asked;
  private final long failed;
  private final long pending;
  private final Histogram latencies;

  /**
   * @param window its length so far
   * @param asked requests that began in it
   * @param failed requests that ended in it without an answer
   * @param pending requests without an end that began before it
   * @param latencies of the requests that ended in it, in nanoseconds; not changed any more
   */
  Readings(Duration window, long asked, long failed, long pending, Histogram latencies) {
    this.window = window;
    this.asked = asked;
    this.failed = failed;
    this.pending = pending;
    this.latencies = latencies;
  }

  /** How long it was watched: at most the window that was asked for. */
  public Duration window() {
    return window;
  }

  /** Requests that began in the window. */
  public long asked() {
    return asked;
  }

  /** Requests that ended in the window, with an answer or without. */
  public long ended() {
    return latencies.getTotalCount();
  }

  /** Requests that ended in the window without an answer. */
  public long failed() {
    return failed;
  }

  /** Requests that began before the window and still have no end. */
  public long pending() {
    return pending;
  }

  /** Requests that ended in the window and took longer than this. */
  public long slowerThan(Duration limit) {
    long nanos = latencies.highestEquivalentValue(limit.toNanos());
    return ended() - latencies.getCountBetweenValues(0, nanos);
  }

  /** The latency that a share of the requests did not exceed; zero where there were none. */
  public Duration percentile(double percent) {
    return Duration.ofNanos(ended() == 0 ? 0 : latencies.getValueAtPercentile(percent));
  }
}
