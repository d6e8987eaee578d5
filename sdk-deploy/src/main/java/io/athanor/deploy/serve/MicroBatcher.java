package io.athanor.deploy.serve;

import io.athanor.api.data.EncodedRow;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.model.Prediction;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A bounded queue of rows and the one thread that takes them through the engine in batches.
 * Thread-safe.
 */
final class MicroBatcher {
  /** Takes rows through a model, in their order. Only the batcher's thread calls it. */
  interface Engine extends AutoCloseable {
    String name();

    List<Prediction> predict(List<EncodedRow> rows);

    @Override
    void close();
  }

  private static final Logger LOG = LoggerFactory.getLogger(MicroBatcher.class);
  private static final int WINDOW = 4;

  private final ServedModel model;
  private final Engine engine;
  private final BatchingPolicy policy;
  private final LongSupplier nanoClock;
  private final ServingCounts counts = new ServingCounts();
  private final Thread worker;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Ticket> queue = new ArrayDeque<>();
  private boolean closed;

  // Only the worker uses these two.
  private int lastRows;
  private long lastEnd;

  /** A row on its way. */
  private record Ticket(EncodedRow row, long arrived, CompletableFuture<Answer> answer) {}

  /**
   * @param engine closed by the batcher's thread when it ends
   */
  MicroBatcher(ServedModel model, Engine engine, BatchingPolicy policy, LongSupplier nanoClock) {
    this.model = model;
    this.engine = engine;
    this.policy = policy;
    this.nanoClock = nanoClock;
    this.worker = new Thread(this::work, "athanor-serve-" + model);
    worker.setDaemon(true);
  }

  void start() {
    worker.start();
  }

  /**
   * Queues rows together: all of them or, if the queue is full, none. The queue counts as full once
   * it holds its limit of rows; the last call before that may go beyond it.
   *
   * @param arrived when the call began, on the nano clock
   */
  List<CompletableFuture<Answer>> submit(List<EncodedRow> rows, long arrived) {
    List<CompletableFuture<Answer>> answers = new ArrayList<>(rows.size());
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("The deployment of " + model + " is closed");
      }
      if (queue.size() >= policy.queueLimit()) {
        counts.refused(rows.size());
        throw new BackendException(
            engine.name(),
            queue.size()
                + " rows wait for "
                + model
                + " already, and its queue limit is "
                + policy.queueLimit()
                + "; try again in a moment, or deploy it with a longer queue",
            true);
      }
      for (EncodedRow row : rows) {
        Ticket ticket = new Ticket(row, arrived, new CompletableFuture<>());
        queue.add(ticket);
        answers.add(ticket.answer());
      }
      changed.signal();
    } finally {
      lock.unlock();
    }
    return answers;
  }

  private void work() {
    try (engine) {
      for (List<Ticket> window = next(); !window.isEmpty(); window = next()) {
        lastRows = window.size();
        run(window);
        lastEnd = nanoClock.getAsLong();
      }
    }
  }

  /** The oldest rows, in the order of their arrival; none once closed and drained. */
  private List<Ticket> next() {
    List<Ticket> window = new ArrayList<>();
    lock.lock();
    try {
      while (queue.isEmpty() && !closed) {
        changed.awaitUninterruptibly();
      }
      awaitCompany();
      while (!queue.isEmpty() && window.size() < WINDOW * policy.maximumBatch()) {
        window.add(queue.remove());
      }
    } finally {
      lock.unlock();
    }
    return window;
  }

  private void awaitCompany() {
    while (!closed) {
      long now = nanoClock.getAsLong();
      long age = now - queue.element().arrived();
      long wait = policy.waitNanos(queue.size(), age, lastRows, now - lastEnd);
      try {
        if (wait == 0 || changed.awaitNanos(wait) <= 0) {
          return;
        }
      } catch (InterruptedException e) {
        return; // nobody waits for the delay itself: go on at once
      }
    }
  }

  /** Runs every row of a window, those of similar length together. */
  private void run(List<Ticket> window) {
    window.removeIf(ticket -> ticket.answer().isDone());
    window.sort(Comparator.comparingInt(ticket -> ticket.row().length()));
    List<Ticket> batch = new ArrayList<>();
    long cost = 0;
    for (Ticket ticket : window) {
      int length = ticket.row().length();
      if (!batch.isEmpty() && !policy.admits(batch.size(), cost, length)) {
        runBatch(batch);
        batch = new ArrayList<>();
        cost = 0;
      }
      batch.add(ticket);
      cost += BatchingPolicy.cost(length);
    }
    if (!batch.isEmpty()) {
      runBatch(batch);
    }
  }

  private void runBatch(List<Ticket> batch) {
    List<Prediction> predictions;
    try {
      predictions = engine.predict(batch.stream().map(Ticket::row).toList());
      if (predictions.size() != batch.size()) {
        throw new BackendException(
            engine.name(), "gave " + predictions.size() + " answers to " + batch.size() + " rows");
      }
    } catch (AthanorException e) {
      fail(batch, e);
      return;
    } catch (RuntimeException | Error e) {
      fail(batch, new BackendException(engine.name(), "failed on a batch (" + e + ")", e));
      return;
    }
    counts.batch(batch.size());
    for (int i = 0; i < batch.size(); i++) {
      answer(batch.get(i), predictions.get(i));
    }
  }

  private void answer(Ticket ticket, Prediction prediction) {
    if (!isFinite(prediction)) {
      fail(
          List.of(ticket),
          new BackendException(
              engine.name(),
              model + " gave a number that is not finite; train it anew or roll it back"));
      return;
    }
    long latency = nanoClock.getAsLong() - ticket.arrived();
    Answer answer =
        new Answer(model.name(), model.version(), prediction, Duration.ofNanos(latency));
    // Counted first: who has an answer finds it counted.
    if (!ticket.answer().isDone()) {
      counts.answered(latency);
      ticket.answer().complete(answer);
    }
  }

  private static boolean isFinite(Prediction prediction) {
    if (prediction instanceof Prediction.Label label) {
      return Double.isFinite(label.confidence());
    }
    return prediction instanceof Prediction.Quantity quantity && Double.isFinite(quantity.value());
  }

  private void fail(List<Ticket> batch, AthanorException problem) {
    LOG.error("{}: {} row(s) got no answer", model, batch.size(), problem);
    for (Ticket ticket : batch) {
      if (!ticket.answer().isDone()) {
        counts.failed();
        ticket.answer().completeExceptionally(problem);
      }
    }
  }

  /** Gives up on a row whose caller waited too long; it is not computed if it still waits. */
  void abandon(CompletableFuture<Answer> answer) {
    if (answer.cancel(false)) {
      counts.failed();
    }
  }

  DeploymentStats stats() {
    lock.lock();
    try {
      return counts.stats(queue.size());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes no more rows and lets the worker answer those it has.
   *
   * @param patience how long to wait for the worker; then the rows that still wait fail, and the
   *     engine is freed when it comes back
   */
  void close(Duration patience) {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (Thread.currentThread() == worker) {
      return; // a caller's continuation closes; the worker ends after it
    }
    boolean interrupted = false;
    try {
      worker.join(Math.max(1, patience.toMillis()));
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (worker.isAlive()) {
      failWaiting();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void failWaiting() {
    List<Ticket> waiting;
    lock.lock();
    try {
      waiting = new ArrayList<>(queue);
      queue.clear();
    } finally {
      lock.unlock();
    }
    fail(waiting, new BackendException(engine.name(), "closed before it came to this row", true));
  }
}
