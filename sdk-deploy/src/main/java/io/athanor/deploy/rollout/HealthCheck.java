package io.athanor.deploy.rollout;

import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tries something with the candidate once a second, on another thread. It is good from the first
 * success on, and bad after three failures in a row or ten seconds without an end. Thread-safe.
 */
final class HealthCheck implements Guard {
  private static final Logger LOG = LoggerFactory.getLogger(HealthCheck.class);
  private static final int MOST_FAILURES = 3;
  private static final long BETWEEN = TimeUnit.SECONDS.toNanos(1);
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(10);

  private final String name;
  private final Runnable probe;
  private final Executor executor;
  private final LongSupplier nanoClock;
  private final AtomicBoolean busy = new AtomicBoolean();
  private final AtomicInteger failures = new AtomicInteger();
  private volatile long begun;
  private volatile boolean succeeded;
  private volatile @Nullable RuntimeException last;

  HealthCheck(String name, Runnable probe, Executor executor, LongSupplier nanoClock) {
    this.name = name;
    this.probe = probe;
    this.executor = executor;
    this.nanoClock = nanoClock;
    this.begun = nanoClock.getAsLong() - BETWEEN;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Finding judge(Traffic traffic) {
    long since = nanoClock.getAsLong() - begun;
    if (busy.get()) {
      if (since > PATIENCE) {
        return Finding.bad("no end within " + TimeUnit.NANOSECONDS.toSeconds(PATIENCE) + " s");
      }
    } else if (since >= BETWEEN) {
      busy.set(true);
      begun = nanoClock.getAsLong();
      executor.execute(this::run);
    }
    return finding();
  }

  private void run() {
    try {
      probe.run();
      failures.set(0);
      succeeded = true;
    } catch (RuntimeException e) {
      LOG.debug("Health check '{}' failed", name, e);
      last = e;
      failures.incrementAndGet();
    } finally {
      busy.set(false);
    }
  }

  private Finding finding() {
    int inARow = failures.get();
    if (inARow >= MOST_FAILURES) {
      return Finding.bad("failed " + inARow + " times in a row, at last with " + last);
    }
    if (inARow > 0) {
      return Finding.undecided("failed with " + last);
    }
    return succeeded ? Finding.good("it succeeds") : Finding.undecided("it has not ended yet");
  }
}
