package io.athanor.server.serving;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs short tasks one after the other on a thread of a pool, so that a crowd of them, such as the
 * answers of a batch, costs one hand-over. Where one takes long because its reader is slow, {@link
 * #rescue} lets another thread go on with those behind it. Thread-safe.
 */
public final class WriterLane implements Executor {
  /** How often {@link #rescue} is to be called, and how long a task may take before it helps. */
  public static final Duration PATIENCE = Duration.ofMillis(50);

  private static final Logger LOG = LoggerFactory.getLogger(WriterLane.class);

  private final Executor pool;
  private final LongSupplier nanoClock;
  private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile Drain current = new Drain();

  public WriterLane(Executor pool, LongSupplier nanoClock) {
    this.pool = pool;
    this.nanoClock = nanoClock;
  }

  @Override
  public void execute(Runnable task) {
    waiting.add(task);
    if (busy.compareAndSet(false, true)) {
      begin();
    }
  }

  private void begin() {
    Drain drain = new Drain();
    drain.since = nanoClock.getAsLong();
    current = drain;
    pool.execute(drain);
  }

  /** Lets another thread go on if the present one is stuck. */
  public void rescue() {
    boolean stuck = nanoClock.getAsLong() - current.since > PATIENCE.toNanos();
    if (busy.get() && stuck && !waiting.isEmpty()) {
      begin();
    }
  }

  /** Runs what waits, until nothing does or another has taken over. */
  private final class Drain implements Runnable {
    private volatile long since;

    @Override
    public void run() {
      while (this == current) {
        Runnable task = waiting.poll();
        if (task != null) {
          since = nanoClock.getAsLong();
          run(task);
        } else if (ends()) {
          return;
        }
      }
    }

    private boolean ends() {
      busy.set(false);
      return waiting.isEmpty() || !busy.compareAndSet(false, true);
    }

    private void run(Runnable task) {
      try {
        task.run();
      } catch (RuntimeException e) {
        LOG.error("An answer could not be written", e);
      }
    }
  }
}
