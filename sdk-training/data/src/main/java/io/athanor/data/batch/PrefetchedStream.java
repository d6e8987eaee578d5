package io.athanor.data.batch;

import io.athanor.api.data.Batch;
import io.athanor.api.data.Batches;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Runs a producer on a daemon thread, two batches ahead. What the producer throws, {@code next()}
 * throws. An interrupt of the caller does not lose a batch: it waits on and stays interrupted.
 */
final class PrefetchedStream implements Batches.Stream {
  private static final int AHEAD = 2;

  private final Producer producer;
  private final BlockingQueue<Outcome> ready = new LinkedBlockingQueue<>();
  private final Semaphore room = new Semaphore(AHEAD);
  private final Thread thread;
  private volatile boolean closed;
  private @Nullable Outcome current;

  /** Makes batches until there is none left. */
  interface Producer extends AutoCloseable {
    Optional<Batch> next();

    @Override
    void close();
  }

  /** A batch, the end (neither), or what went wrong. */
  private record Outcome(
      Optional<Batch> batch, @Nullable RuntimeException failure, @Nullable Error error) {}

  PrefetchedStream(Producer producer) {
    this.producer = producer;
    this.thread = new Thread(this::produce, "athanor-batches");
    thread.setDaemon(true);
    thread.start();
  }

  private void produce() {
    try (producer) {
      boolean more = true;
      while (more) {
        room.acquireUninterruptibly();
        if (closed) {
          return;
        }
        Optional<Batch> batch = producer.next();
        ready.add(new Outcome(batch, null, null));
        more = batch.isPresent();
      }
    } catch (RuntimeException e) {
      ready.add(new Outcome(Optional.empty(), e, null));
    } catch (Error e) {
      ready.add(new Outcome(Optional.empty(), null, e));
    }
  }

  @Override
  public boolean hasNext() {
    Outcome outcome = peek();
    return outcome.batch().isPresent() || outcome.failure() != null || outcome.error() != null;
  }

  @Override
  public Batch next() {
    Outcome outcome = peek();
    if (outcome.failure() != null) {
      throw outcome.failure();
    }
    if (outcome.error() != null) {
      throw outcome.error();
    }
    Batch batch =
        outcome.batch().orElseThrow(() -> new NoSuchElementException("the epoch has ended"));
    current = null;
    room.release();
    return batch;
  }

  private Outcome peek() {
    if (closed) {
      throw new IllegalStateException("the stream is closed");
    }
    if (current == null) {
      current = take();
    }
    return current;
  }

  private Outcome take() {
    return uninterrupted(ready::take);
  }

  /** Returns when the thread, at most a batch later, has ended; twice is fine. */
  @Override
  public void close() {
    closed = true;
    room.release();
    uninterrupted(
        () -> {
          thread.join();
          return true;
        });
  }

  private interface Waiting<T> {
    T await() throws InterruptedException;
  }

  private static <T> T uninterrupted(Waiting<T> waiting) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return waiting.await();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
