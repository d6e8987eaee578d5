package io.athanor.deploy.rollout;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.HdrHistogram.Histogram;

/** Measures what a model is asked, second by second for a minute, and since ever. Thread-safe. */
final class Meter {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final long LONGEST = TimeUnit.HOURS.toNanos(1);

  private final LongSupplier nanoClock;
  private final long begun;
  private final Deque<Slice> slices = new ArrayDeque<>();
  private final Histogram latencies = histogram();
  private long asked;
  private long ended;
  private long failed;

  Meter(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    this.begun = nanoClock.getAsLong();
  }

  /** One second. */
  private static final class Slice {
    final long second;
    final Histogram latencies = histogram();
    long asked;
    long failed;

    Slice(long second) {
      this.second = second;
    }
  }

  private static Histogram histogram() {
    return new Histogram(1_000, LONGEST, 2);
  }

  /** A request begins; gives when. */
  synchronized long begin() {
    asked++;
    slice().asked++;
    return nanoClock.getAsLong();
  }

  /** A request ends that began at a time. */
  void ended(long since, boolean answered) {
    end(nanoClock.getAsLong() - since, answered);
  }

  /** A request ends that took so long. */
  synchronized void end(long nanos, boolean answered) {
    long latency = Math.min(Math.max(nanos, 0), LONGEST);
    ended++;
    latencies.recordValue(latency);
    Slice slice = slice();
    slice.latencies.recordValue(latency);
    if (!answered) {
      failed++;
      slice.failed++;
    }
  }

  /** A request ends of which it is not the model's fault that it got no answer. */
  synchronized void forget() {
    ended++;
  }

  /** Requests that ended with an answer or failed. */
  synchronized long judged() {
    return latencies.getTotalCount();
  }

  synchronized long failed() {
    return failed;
  }

  synchronized Duration mean() {
    return Duration.ofNanos(Math.round(judged() == 0 ? 0 : latencies.getMean()));
  }

  synchronized Duration percentile(double percent) {
    return Duration.ofNanos(judged() == 0 ? 0 : latencies.getValueAtPercentile(percent));
  }

  synchronized Readings last(Duration window) {
    if (window.compareTo(Duration.ofSeconds(1)) < 0
        || window.compareTo(Traffic.LONGEST_WINDOW) > 0) {
      throw new IllegalArgumentException(
          "window must be 1 second to " + Traffic.LONGEST_WINDOW + ", got " + window);
    }
    long now = nanoClock.getAsLong() - begun;
    long first = now / SECOND - window.toSeconds();
    long askedInside = 0;
    long failedInside = 0;
    Histogram inside = histogram();
    for (Slice slice : slices) {
      if (slice.second > first) {
        askedInside += slice.asked;
        failedInside += slice.failed;
        inside.add(slice.latencies);
      }
    }
    long nanos = now - Math.max(0, (first + 1) * SECOND);
    long pending = Math.max(0, asked - ended - askedInside);
    return new Readings(Duration.ofNanos(nanos), askedInside, failedInside, pending, inside);
  }

  private Slice slice() {
    long second = (nanoClock.getAsLong() - begun) / SECOND;
    Slice last = slices.peekLast();
    if (last != null && last.second >= second) {
      return last;
    }
    long oldest = second - Traffic.LONGEST_WINDOW.toSeconds();
    Iterator<Slice> old = slices.iterator();
    while (old.hasNext() && old.next().second < oldest) {
      old.remove();
    }
    Slice next = new Slice(second);
    slices.addLast(next);
    return next;
  }
}
