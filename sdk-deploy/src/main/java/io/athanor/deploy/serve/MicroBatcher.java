package io.athanor.deploy.serve;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.OverloadException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A bounded queue of rows and the one thread that takes them through the engine in batches. While
 * more rows wait, another thread gives the answers, so that the engine does not wait for those who
 * hear them; if that one is not done with the batch before, the first does it itself. Thread-safe.
 *
 * @param <Q> an encoded row
 * @param <P> what the engine says of it
 * @param <A> the answer made of that
 */
final class MicroBatcher<Q, P, A> {
  /** Takes rows through a model, in their order. Only the batcher's thread calls it. */
  interface Engine<Q, P> extends AutoCloseable {
    String name();

    List<P> predict(List<Q> rows);

    @Override
    void close();
  }

  /** What differs between kinds of rows. Thread-safe. */
  interface Kind<Q, P, A> {
    /** Tokens or other units of a row; rows of similar length go together. */
    int length(Q row);

    /**
     * The answer for a row.
     *
     * @throws AthanorException if the engine's result is of no use
     */
    A answer(P result, Duration latency);
  }

  private static final Logger LOG = LoggerFactory.getLogger(MicroBatcher.class);
  private static final int WINDOW = 4;
  private static final Duration IDLE = Duration.ofMinutes(1);

  private final ServedModel model;
  private final Engine<Q, P> engine;
  private final Kind<Q, P, A> kind;
  private final BatchingPolicy policy;
  private final LongSupplier nanoClock;
  private final ServingCounts counts = new ServingCounts();
  private final ServingThread worker;
  private final ThreadPoolExecutor answerer;
  private volatile @Nullable Thread answering;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Ticket<Q, A>> queue = new ArrayDeque<>();
  private int wanted = 1; // rows for which the worker would wake up
  private boolean closed;

  // Only the worker uses these two.
  private int lastRows;
  private long lastEnd;

  /** A row on its way. */
  private record Ticket<Q, A>(Q row, long arrived, CompletableFuture<A> answer) {}

  /**
   * @param engine closed by the batcher's thread when it ends
   */
  MicroBatcher(
      ServedModel model,
      Engine<Q, P> engine,
      Kind<Q, P, A> kind,
      BatchingPolicy policy,
      LongSupplier nanoClock) {
    this.model = model;
    this.engine = engine;
    this.kind = kind;
    this.policy = policy;
    this.nanoClock = nanoClock;
    this.worker = ServingThread.of("athanor-serve-" + model, this::work);
    this.answerer =
        new ThreadPoolExecutor(
            0,
            1,
            IDLE.toSeconds(),
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            this::answering,
            new ThreadPoolExecutor.CallerRunsPolicy());
  }

  private Thread answering(Runnable work) {
    Thread thread = ServingThread.of("athanor-answer-" + model, work).thread();
    answering = thread;
    return thread;
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
  List<CompletableFuture<A>> submit(List<Q> rows, long arrived) {
    List<CompletableFuture<A>> answers = new ArrayList<>(rows.size());
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("The deployment of " + model + " is closed");
      }
      if (queue.size() >= policy.queueLimit()) {
        counts.refused(rows.size());
        throw new OverloadException(
            engine.name(),
            queue.size()
                + " rows wait for "
                + model
                + " already, and its queue limit is "
                + policy.queueLimit()
                + "; try again in a moment, or deploy it with a longer queue");
      }
      for (Q row : rows) {
        Ticket<Q, A> ticket = new Ticket<>(row, arrived, new CompletableFuture<>());
        queue.add(ticket);
        answers.add(ticket.answer());
      }
      if (queue.size() >= wanted) {
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
    return answers;
  }

  private void work() {
    try (engine) {
      for (List<Ticket<Q, A>> window = next(); !window.isEmpty(); window = next()) {
        lastRows = window.size();
        run(window);
        lastEnd = nanoClock.getAsLong();
      }
    }
    endAnswering();
  }

  private void endAnswering() {
    answerer.shutdown();
    try {
      boolean unused = answerer.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // what is left is answered all the same
    }
  }

  /** The oldest rows, in the order of their arrival; none once closed and drained. */
  private List<Ticket<Q, A>> next() {
    List<Ticket<Q, A>> window = new ArrayList<>();
    lock.lock();
    try {
      wanted = 1;
      while (queue.isEmpty() && !closed) {
        changed.awaitUninterruptibly();
      }
      wanted = policy.company(lastRows);
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
  private void run(List<Ticket<Q, A>> window) {
    window.removeIf(ticket -> ticket.answer().isDone());
    window.sort(Comparator.comparingInt(ticket -> kind.length(ticket.row())));
    List<Ticket<Q, A>> batch = new ArrayList<>();
    long cost = 0;
    for (Ticket<Q, A> ticket : window) {
      int length = kind.length(ticket.row());
      if (!batch.isEmpty() && !policy.admits(batch.size(), cost, length)) {
        runBatch(batch, true);
        batch = new ArrayList<>();
        cost = 0;
      }
      batch.add(ticket);
      cost += BatchingPolicy.cost(length);
    }
    if (!batch.isEmpty()) {
      runBatch(batch, false);
    }
  }

  private void runBatch(List<Ticket<Q, A>> batch, boolean others) {
    List<P> results;
    try {
      results = predicted(batch);
    } catch (RuntimeException | Error e) {
      fail(batch, EngineFailure.of(engine.name(), e));
      return;
    }
    counts.batch(batch.size());
    if (others || rowsWait()) {
      answerElsewhere(batch, results);
    } else {
      answer(batch, results);
    }
  }

  private void answerElsewhere(List<Ticket<Q, A>> batch, List<P> results) {
    try {
      answerer.execute(() -> answer(batch, results));
    } catch (OutOfMemoryError noThreadLeft) {
      answer(batch, results);
    }
  }

  private List<P> predicted(List<Ticket<Q, A>> batch) {
    List<P> results = engine.predict(batch.stream().map(Ticket::row).toList());
    if (results.size() != batch.size()) {
      throw new BackendException(
          engine.name(), "gave " + results.size() + " answers to " + batch.size() + " rows");
    }
    return results;
  }

  private boolean rowsWait() {
    lock.lock();
    try {
      return !queue.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private void answer(List<Ticket<Q, A>> batch, List<P> results) {
    for (int i = 0; i < batch.size(); i++) {
      answer(batch.get(i), results.get(i));
    }
  }

  private void answer(Ticket<Q, A> ticket, P result) {
    long latency = nanoClock.getAsLong() - ticket.arrived();
    A answer;
    try {
      answer = kind.answer(result, Duration.ofNanos(latency));
    } catch (RuntimeException | Error e) {
      fail(List.of(ticket), EngineFailure.of(engine.name(), e));
      return;
    }
    // Counted first: who has an answer finds it counted.
    if (!ticket.answer().isDone()) {
      counts.answered(1, latency);
      ticket.answer().complete(answer);
    }
  }

  private void fail(List<Ticket<Q, A>> batch, AthanorException problem) {
    LOG.error("{}: {} row(s) got no answer", model, batch.size(), problem);
    for (Ticket<Q, A> ticket : batch) {
      if (!ticket.answer().isDone()) {
        counts.failed(1);
        ticket.answer().completeExceptionally(problem);
      }
    }
  }

  /** Gives up on a row whose caller waited too long; it is not computed if it still waits. */
  void abandon(CompletableFuture<A> answer) {
    if (answer.cancel(false)) {
      counts.failed(1);
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
    boolean byListener = Thread.currentThread() == answering;
    if (!byListener && !worker.endsWithin(patience)) {
      failWaiting();
    }
  }

  private void failWaiting() {
    List<Ticket<Q, A>> waiting;
    lock.lock();
    try {
      waiting = new ArrayList<>(queue);
      queue.clear();
    } finally {
      lock.unlock();
    }
    if (!waiting.isEmpty()) {
      fail(waiting, new BackendException(engine.name(), "closed before it came to this row", true));
    }
  }
}
