package io.athanor.deploy.serve;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.OverloadException;
import io.athanor.model.generate.GenerationBatch;
import io.athanor.model.generate.GenerationRow;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A bounded queue of texts to generate and the one thread that generates them together. A text may
 * join while others are in the making. Then the engine reads those again, so joining waits until
 * that costs no more than what was generated since the last time: at most half of the work is
 * reading again, and nobody waits for the end of a long text. Thread-safe.
 */
final class TextBatcher {
  private static final Logger LOG = LoggerFactory.getLogger(TextBatcher.class);

  /** About how many tokens an engine reads at once in the time in which it generates one. */
  private static final int READ_IN_THE_TIME_OF_ONE = 8;

  private final ServedModel model;
  private final String backend;
  private final GenerationBatch batch;
  private final AdapterPlaces places;
  private final Runnable atEnd;
  private final int maximumBatch;
  private final int queueLimit;
  private final LongSupplier nanoClock;
  private final ServingCounts counts = new ServingCounts();
  private final ServingThread worker;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Ticket> queue = new ArrayDeque<>();
  private final Map<GenerationRow, Ticket> running = new LinkedHashMap<>();
  private boolean closed;

  /** Passes since rows last joined; only the worker uses it. */
  private long passes;

  /**
   * A text on its way.
   *
   * @param name of the model or adapter that answers
   * @param version of that
   * @param adapter that it goes through; absent for the model alone
   */
  record Ticket(
      GenerationRow row,
      Optional<PlacedAdapter> adapter,
      String name,
      String version,
      long arrived,
      CompletableFuture<TextAnswer> answer) {}

  /**
   * @param places at least as many as rows
   * @param atEnd frees the batch; the batcher's thread runs it when it ends
   */
  TextBatcher(
      ServedModel model,
      String backend,
      GenerationBatch batch,
      AdapterPlaces places,
      Runnable atEnd,
      int maximumBatch,
      int queueLimit,
      LongSupplier nanoClock) {
    this.model = model;
    this.backend = backend;
    this.batch = batch;
    this.places = places;
    this.atEnd = atEnd;
    this.maximumBatch = maximumBatch;
    this.queueLimit = queueLimit;
    this.nanoClock = nanoClock;
    this.worker = ServingThread.of("athanor-generate-" + model, this::work);
  }

  void start() {
    worker.start();
  }

  /** Queues a text, unless the queue is full. */
  void submit(Ticket ticket) {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("The deployment of " + model + " is closed");
      }
      if (queue.size() >= queueLimit) {
        counts.refused(1);
        throw new OverloadException(
            backend,
            queue.size()
                + " requests wait for "
                + model
                + " already, and its queue limit is "
                + queueLimit
                + "; try again in a moment, or deploy it with a longer queue");
      }
      queue.add(ticket);
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  private void work() {
    try {
      while (next()) {
        pass();
      }
    } finally {
      atEnd.run();
    }
  }

  /** Waits for work and lets rows join; false once closed and drained. */
  private boolean next() {
    lock.lock();
    try {
      while (queue.isEmpty() && running.isEmpty() && !closed) {
        changed.awaitUninterruptibly();
      }
      running.values().stream()
          .filter(ticket -> ticket.answer().isDone())
          .forEach(ticket -> ticket.row().cancel());
      if (mayJoin()) {
        join();
      }
      return !running.isEmpty() || !queue.isEmpty() || !closed;
    } finally {
      lock.unlock();
    }
  }

  private boolean mayJoin() {
    long read = running.keySet().stream().mapToLong(GenerationRow::length).sum();
    return passes * running.size() * READ_IN_THE_TIME_OF_ONE >= read;
  }

  private void join() {
    List<GenerationRow> joining = new ArrayList<>();
    while (!queue.isEmpty() && running.size() < maximumBatch) {
      Ticket ticket = queue.remove();
      if (!ticket.answer().isDone() && placed(ticket)) {
        running.put(ticket.row(), ticket);
        joining.add(ticket.row());
      }
    }
    if (!joining.isEmpty()) {
      batch.add(joining);
      passes = 0;
    }
  }

  /** Brings the adapter of a text into the engine; a text whose adapter does not go in fails. */
  private boolean placed(Ticket ticket) {
    try {
      ticket
          .adapter()
          .ifPresent(
              adapter ->
                  ticket.row().input(LanguageEncoding.ADAPTER, places.place(adapter, inUse())));
      return true;
    } catch (RuntimeException e) {
      fail(List.of(ticket), e);
      return false;
    }
  }

  private Set<AdapterCatalog.Entry> inUse() {
    return running.values().stream()
        .flatMap(ticket -> ticket.adapter().stream())
        .map(PlacedAdapter::entry)
        .collect(Collectors.toSet());
  }

  private void pass() {
    int rows = batch.rows().size();
    List<GenerationRow> finished;
    try {
      finished = batch.step();
    } catch (RuntimeException | Error e) {
      failRunning(EngineFailure.of(backend, e));
      return;
    }
    passes++;
    if (rows > 0) {
      counts.batch(rows);
    }
    finished.forEach(this::answer);
  }

  private void answer(GenerationRow row) {
    Ticket ticket;
    lock.lock();
    try {
      ticket = running.remove(row);
    } finally {
      lock.unlock();
    }
    if (ticket == null) {
      return;
    }
    long latency = nanoClock.getAsLong() - ticket.arrived();
    try {
      TextAnswer answer =
          new TextAnswer(ticket.name(), ticket.version(), row.result(), Duration.ofNanos(latency));
      // Counted first: who has an answer finds it counted.
      if (!ticket.answer().isDone()) {
        counts.answered(1, latency);
        ticket.answer().complete(answer);
      }
    } catch (RuntimeException e) {
      fail(List.of(ticket), e);
    }
  }

  private void failRunning(RuntimeException problem) {
    batch.clear();
    fail(taken(running.values(), running::clear), problem);
  }

  private List<Ticket> taken(Collection<Ticket> tickets, Runnable remove) {
    lock.lock();
    try {
      List<Ticket> taken = List.copyOf(tickets);
      remove.run();
      return taken;
    } finally {
      lock.unlock();
    }
  }

  private void fail(List<Ticket> tickets, RuntimeException problem) {
    LOG.error("{}: {} request(s) got no answer", model, tickets.size(), problem);
    for (Ticket ticket : tickets) {
      if (!ticket.answer().isDone()) {
        counts.failed(1);
        ticket.answer().completeExceptionally(problem);
      }
    }
  }

  /** Gives up on a text whose caller waited too long. */
  void abandon(CompletableFuture<TextAnswer> answer) {
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
   * Takes no more texts and lets the worker finish those it has.
   *
   * @param patience how long to wait for the worker; then all that is left fails, and the engine is
   *     freed when it comes back
   */
  void close(Duration patience) {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (!worker.endsWithin(patience)) {
      List<Ticket> left = new ArrayList<>(taken(queue, queue::clear));
      left.addAll(taken(running.values(), () -> {}));
      fail(left, new BackendException(backend, "closed before the text was finished", true));
    }
  }
}
