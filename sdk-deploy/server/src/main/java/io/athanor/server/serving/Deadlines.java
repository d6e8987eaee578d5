package io.athanor.server.serving;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Ends what takes longer than a limit, which is the same for all. Looks a few times within the
 * limit, so a thing may get up to an eighth more; that costs next to nothing for each. Thread-safe.
 */
public final class Deadlines implements AutoCloseable {
  private static final int LOOKS = 8;
  private static final long LONGEST_INTERVAL = TimeUnit.MILLISECONDS.toNanos(250);

  private final long limit;
  private final Queue<Watched> watched = new ConcurrentLinkedQueue<>();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread thread = new Thread(work, "athanor-deadlines");
            thread.setDaemon(true);
            return thread;
          });

  private record Watched(CompletableFuture<?> what, long deadline) {
    boolean endedBy(long now) {
      if (!what.isDone() && now - deadline >= 0) {
        what.completeExceptionally(new TimeoutException());
      }
      return what.isDone();
    }
  }

  public Deadlines(Duration limit) {
    this.limit = limit.toNanos();
    long interval = Math.max(1, Math.min(LONGEST_INTERVAL, this.limit / LOOKS));
    var unused = timer.scheduleWithFixedDelay(this::look, interval, interval, TimeUnit.NANOSECONDS);
  }

  void watch(CompletableFuture<?> what) {
    watched.add(new Watched(what, System.nanoTime() + limit));
  }

  private void look() {
    long now = System.nanoTime();
    watched.removeIf(one -> one.endedBy(now));
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
