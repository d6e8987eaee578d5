package io.athanor.deploy.monitor;

import io.athanor.api.data.Baseline;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.NotFoundException;
import io.athanor.deploy.serve.OutOfTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches a deployment; made by {@link Monitoring}. Threads that serve only note a time and queue
 * what is to be looked at; a thread of the monitor looks at it. Thread-safe.
 */
public final class Monitor implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Monitor.class);
  private static final int SLOTS = 10;
  private static final int QUEUE = 1_024;

  private final ServedModel model;
  private final Monitoring settings;
  private final Gauges gauges = new Gauges();
  private final Duration slotLength;
  private final int rowsPerSlot;
  private final boolean looking;
  private final BlockingQueue<Supplier<Consumer<Tallies>>> queue = new ArrayBlockingQueue<>(QUEUE);
  private final AtomicInteger looked = new AtomicInteger();
  private final RecentAnswers recent = new RecentAnswers();
  private final Tallies none;
  private final Alerting alerting;
  private final @Nullable Thread thread;

  /** Guards what follows, and the alerting. */
  private final Object lock = new Object();

  private final Deque<Slot> past = new ArrayDeque<>();
  private Slot current;
  private volatile boolean closed;

  Monitor(ServedModel model, Monitoring settings) {
    this.model = model;
    this.settings = settings;
    Baseline baseline = settings.baseline.orElse(Baseline.EMPTY);
    this.none = Tallies.of(baseline);
    this.looking = !baseline.distributions().isEmpty();
    this.slotLength = settings.window.dividedBy(SLOTS);
    this.rowsPerSlot = Math.max(1, settings.rowsPerWindow / SLOTS);
    this.alerting = new Alerting(settings.rules, settings.channels, settings.cooldown);
    this.current = new Slot(settings.clock.instant(), none.fresh());
    this.thread = settings.checkEvery.isZero() ? null : started();
  }

  private Thread started() {
    Thread started = new Thread(this::run, "athanor-monitor-" + model.name());
    started.setDaemon(true);
    started.start();
    return started;
  }

  private void run() {
    long every = settings.checkEvery.toNanos();
    long next = System.nanoTime() + every;
    try {
      while (!closed) {
        Supplier<Consumer<Tallies>> first =
            queue.poll(Math.max(0, next - System.nanoTime()), TimeUnit.NANOSECONDS);
        if (first != null) {
          lookAt(first);
        }
        if (System.nanoTime() - next >= 0) {
          next = System.nanoTime() + every;
          checkAndLog();
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("The monitor of {} ends", model);
    }
  }

  private void checkAndLog() {
    try {
      check();
    } catch (RuntimeException e) {
      LOG.warn("The monitor of {} could not look at its window", model, e);
    }
  }

  /** Times a call and counts how it ended. */
  <T> T timed(Supplier<T> call) {
    long begin = now();
    T answer = watched(call);
    answered(begin);
    return answer;
  }

  /**
   * The same where the answer comes later.
   *
   * @param then what is done with the answer when it comes
   */
  <T> CompletableFuture<T> timedAsync(Supplier<CompletableFuture<T>> call, Consumer<T> then) {
    long begin = now();
    CompletableFuture<T> answer = watched(call);
    var unused =
        answer.whenComplete(
            (done, thrown) -> {
              if (thrown == null) {
                answered(begin);
                then.accept(done);
              } else {
                failed(thrown);
              }
            });
    return answer;
  }

  /** Counts what a call throws. */
  private <T> T watched(Supplier<T> call) {
    try {
      return call.get();
    } catch (RuntimeException | Error e) {
      failed(e);
      throw e;
    }
  }

  private long now() {
    return settings.nanoClock.getAsLong();
  }

  private void answered(long begin) {
    gauges.answered(now() - begin);
  }

  private void failed(Throwable thrown) {
    gauges.failed(ErrorKind.of(thrown));
  }

  /**
   * Has something looked at, unless there was enough in this slot or there is no time.
   *
   * @param what may take its time, and gives what counts it, which may not
   */
  void look(Supplier<Consumer<Tallies>> what) {
    if (looking) {
      if (looked.get() < rowsPerSlot && queue.offer(what)) {
        looked.incrementAndGet();
      } else {
        gauges.passedOver();
      }
    }
  }

  private void lookAt(Supplier<Consumer<Tallies>> what) {
    try {
      Consumer<Tallies> count = what.get();
      synchronized (lock) {
        count.accept(current.tallies);
        current.rows++;
      }
    } catch (RuntimeException e) {
      gauges.passedOver();
      LOG.debug("A row of {} could not be looked at", model, e);
    }
  }

  /** Remembers an answer for feedback. */
  <T> Asked<T> remember(T answer, RecentAnswers.Exchange exchange) {
    String id = settings.ids.get();
    remember(id, exchange);
    return new Asked<>(id, answer);
  }

  /** Remembers an answer that has an id. */
  void remember(String id, RecentAnswers.Exchange exchange) {
    recent.add(id, exchange);
  }

  /** An answer that comes when it is remembered; cancelling it cancels what it waits for. */
  <T> CompletableFuture<T> remembered(
      CompletableFuture<T> answer, String id, Function<T, RecentAnswers.Exchange> exchange) {
    CompletableFuture<T> remembered = new CompletableFuture<>();
    var unused =
        answer.whenComplete(
            (done, thrown) -> {
              if (thrown != null) {
                remembered.completeExceptionally(thrown);
                return;
              }
              remember(id, exchange.apply(done));
              remembered.complete(done);
            });
    var unusedToo =
        remembered.whenComplete(
            (done, thrown) -> {
              if (thrown != null) {
                OutOfTime.passOn(thrown, answer);
              }
            });
    return remembered;
  }

  /** What the deployment did in the latest window. */
  public ServingWindow window() {
    synchronized (lock) {
      Instant now = moveOn();
      return merged().summary(now);
    }
  }

  /** How the latest window differs from the baseline; empty if there is none. */
  public Optional<DriftReport> drift() {
    synchronized (lock) {
      Instant now = moveOn();
      return drift(merged(), now);
    }
  }

  private Optional<DriftReport> drift(Slot window, Instant until) {
    return looking
        ? Optional.of(
            new DriftReport(
                window.from, until, new DriftTest(settings.limits).of(window.tallies.byTrait())))
        : Optional.empty();
  }

  /**
   * Looks at what is queued and at the rules, and tells the channels. A thread of the monitor does
   * that now and then, unless {@link Monitoring#checkEvery} is zero.
   *
   * @return what the channels were told
   */
  public List<Alert> check() {
    synchronized (lock) {
      moveOn();
    }
    for (var next = queue.poll(); next != null; next = queue.poll()) {
      lookAt(next);
    }
    List<Alert> alerts;
    synchronized (lock) {
      Instant now = moveOn();
      Slot window = merged();
      alerts = alerting.look(model.toString(), window.summary(now), drift(window, now));
    }
    alerting.send(alerts);
    return alerts;
  }

  /**
   * Tells another place of alerts, from now on.
   *
   * @param channel stays the caller's to close
   */
  public void add(AlertChannel channel) {
    alerting.add(channel);
  }

  /** Tells a place of no more alerts. */
  public void remove(AlertChannel channel) {
    alerting.remove(channel);
  }

  /**
   * Takes what somebody says of an answer. The first opinion of each answer counts in the
   * satisfaction, so that nobody can shift it by saying the same often; with a consent, question,
   * answer and opinion are also kept, those of later opinions too, if there is a log for them.
   *
   * @return whether it is kept
   * @throws NotFoundException if the answer is not among the ten thousand latest with an id
   * @throws io.athanor.api.error.StorageException if it cannot be kept; then it does not count
   */
  public boolean give(Feedback feedback) {
    RecentAnswers.Exchange exchange =
        recent
            .find(feedback.answer())
            .orElseThrow(
                () ->
                    new NotFoundException(
                        "answer '" + feedback.answer() + "' of " + model,
                        List.of(),
                        "Give feedback soon, with the id that came with the answer"));
    Optional<FeedbackLog> log = settings.feedback;
    boolean kept = feedback.consent().isPresent() && log.isPresent();
    if (kept) {
      log.get()
          .append(
              new FeedbackEntry(
                  feedback.answer(),
                  settings.clock.instant(),
                  exchange.model(),
                  exchange.version(),
                  feedback.consent().get(),
                  exchange.row(),
                  exchange.predicted(),
                  feedback.opinion()));
    }
    synchronized (lock) {
      moveOn();
      if (recent.judge(feedback.answer())) {
        current.hear(feedback.opinion());
      }
    }
    return kept;
  }

  /**
   * Erases what the log for feedback keeps of somebody, if there is a log; of other models too that
   * have the same log.
   *
   * @return how many entries
   * @throws io.athanor.api.error.StorageException if that fails; see {@link FeedbackLog#erase}
   */
  public long erase(String subject) {
    return settings.feedback.map(log -> log.erase(subject)).orElse(0L);
  }

  /** Begins a new slot where one is due, and gives the time. */
  private Instant moveOn() {
    Instant now = settings.clock.instant();
    gauges.moveTo(current);
    if (!now.isBefore(current.from.plus(slotLength))) {
      past.addLast(current);
      long whole = Duration.between(current.from, now).dividedBy(slotLength);
      current = new Slot(current.from.plus(slotLength.multipliedBy(whole)), none.fresh());
      looked.set(0);
    }
    Instant oldest = now.minus(settings.window);
    while (!past.isEmpty() && past.getFirst().from.isBefore(oldest)) {
      past.removeFirst();
    }
    return now;
  }

  private Slot merged() {
    Slot all = new Slot(past.isEmpty() ? current.from : past.getFirst().from, none.fresh());
    past.forEach(all::add);
    all.add(current);
    return all;
  }

  /** Ends the monitor's thread; channels and log stay open. Twice is fine. */
  @Override
  public void close() {
    closed = true;
    if (thread != null) {
      thread.interrupt();
    }
  }
}
