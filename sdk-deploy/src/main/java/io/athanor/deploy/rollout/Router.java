package io.athanor.deploy.rollout;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.deploy.serve.OutOfTime;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings each request to champion or candidate. What the candidate fails to answer the champion
 * answers. Thread-safe.
 *
 * @param <D> the models
 */
final class Router<D extends LiveModel> implements Traffic {
  private static final Logger LOG = LoggerFactory.getLogger(Router.class);
  private static final int MOST_BESIDE = 64;

  private final Side<D> champion;
  private final Side<D> candidate;
  private final Meter callers;
  private final Shares shares;
  private final Duration patience;
  private final LongSupplier nanoClock;
  private final AtomicInteger contested = new AtomicInteger();
  private final AtomicInteger beside = new AtomicInteger();
  private final ExecutorService pool =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "athanor-rollout-call");
            thread.setDaemon(true);
            return thread;
          });
  private volatile Route route = Route.CHAMPION;
  private volatile boolean closed;

  Router(D champion, D candidate, Shares shares, Duration patience, LongSupplier nanoClock) {
    this.champion = new Side<>(champion, new Meter(nanoClock));
    this.candidate = new Side<>(candidate, new Meter(nanoClock));
    this.callers = new Meter(nanoClock);
    this.shares = shares;
    this.patience = patience;
    this.nanoClock = nanoClock;
  }

  /** Where requests go; compared by identity. */
  static final class Route {
    /** To the champion, with the candidate in reserve. */
    static final Route CHAMPION = new Route(0, 0, true);

    /** To the champion, for good. */
    static final Route CHAMPION_ONLY = new Route(0, 0, false);

    /** To the candidate, for good. */
    static final Route CANDIDATE_ONLY = new Route(1, 0, false);

    private final double share;
    private final double compared;
    private final boolean contested;

    /**
     * @param share of the requests that the candidate answers
     * @param compared share of the requests that both are asked
     * @param contested whether both models may be needed
     */
    Route(double share, double compared, boolean contested) {
      this.share = share;
      this.compared = compared;
      this.contested = contested;
    }
  }

  void turn(Route next) {
    route = next;
  }

  /** Whether no request needs the model that lost any more. */
  boolean settled() {
    return !route.contested && contested.get() == 0;
  }

  boolean candidateWon() {
    Route now = route;
    return !now.contested && now.share == 1;
  }

  void closeLoser() {
    (candidateWon() ? champion : candidate).model().close();
  }

  void close() {
    closed = true;
    pool.shutdown();
    try {
      candidate.model().close();
    } finally {
      champion.model().close();
    }
  }

  /** Who answers, or did before the rollout. */
  D winner() {
    return candidateWon() ? candidate.model() : champion.model();
  }

  ServedModel model() {
    return winner().model();
  }

  /** Requests that the candidate has answered or failed to. */
  long candidateRequests() {
    return candidate.meter().judged();
  }

  @Override
  public Readings candidate(Duration window) {
    return candidate.meter().last(window);
  }

  @Override
  public Readings champion(Duration window) {
    return champion.meter().last(window);
  }

  DeploymentStats stats() {
    DeploymentStats one = champion.model().stats();
    DeploymentStats other = candidate.model().stats();
    return new DeploymentStats(
        callers.judged() - callers.failed(),
        callers.failed(),
        one.refused() + other.refused(),
        one.batches() + other.batches(),
        Math.max(one.largestBatch(), other.largestBatch()),
        one.waiting() + other.waiting(),
        callers.mean(),
        callers.percentile(50),
        callers.percentile(99));
  }

  /** Threads for what blocks; never more than there are callers and answers to compare. */
  Executor pool() {
    return pool;
  }

  <A> CompletableFuture<A> beginBlocking(Supplier<A> call) {
    return CompletableFuture.supplyAsync(call, pool);
  }

  /** The answer to a question. */
  <A> A ask(Optional<String> key, Question<D, A> question) {
    Route now = enter();
    long begin = callers.begin();
    try {
      A answer = answer(now, key, question);
      callers.ended(begin, true);
      return answer;
    } catch (RuntimeException e) {
      Side.ended(callers, begin, e);
      throw e;
    } finally {
      leave(now);
    }
  }

  private <A> A answer(Route now, Optional<String> key, Question<D, A> question) {
    if (!now.contested) {
      return winner(now).ask(question);
    }
    boolean both = shares.next() < now.compared;
    if (!toCandidate(now, key)) {
      A answer = champion.ask(question);
      if (both) {
        askBeside(candidate, key, question, answer);
      }
      return answer;
    }
    long begin = candidate.meter().begin();
    CompletableFuture<A> future;
    try {
      future = question.begin(candidate.model());
    } catch (RuntimeException e) {
      return fallBack(question, begin, e);
    }
    A answer;
    try {
      answer = future.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      candidate.meter().forget();
      future.cancel(true);
      Thread.currentThread().interrupt();
      throw new BackendException(
          candidate.model().model().toString(), "interrupted while waiting for its answer", true);
    } catch (ExecutionException e) {
      return fallBack(question, begin, Side.cause(e));
    } catch (TimeoutException e) {
      OutOfTime.passOn(e, future);
      return fallBack(question, begin, late());
    } catch (CancellationException e) {
      return fallBack(question, begin, e);
    }
    candidate.meter().ended(begin, true);
    if (both) {
      askBeside(champion, key, question, answer);
    }
    return answer;
  }

  private Side<D> winner(Route now) {
    return now.share == 1 ? candidate : champion;
  }

  private boolean toCandidate(Route now, Optional<String> key) {
    return key.map(shares::of).orElseGet(shares::next) < now.share;
  }

  private BackendException late() {
    return new BackendException(
        candidate.model().model().toString(), "gave no answer within " + patience, true);
  }

  private <A> A fallBack(Question<D, A> question, long begin, Throwable cause) {
    long took = nanoClock.getAsLong() - begin;
    if (!question.repeatable()) {
      candidate.meter().end(took, false);
      throw unchecked(cause);
    }
    LOG.debug(
        "{} answers instead of {}", champion.model().model(), candidate.model().model(), cause);
    try {
      A answer = champion.ask(question);
      candidate.meter().end(took, false);
      return answer;
    } catch (RuntimeException e) {
      blame(took, e);
      throw e;
    }
  }

  /** The champion is the judge of whether the request itself is at fault. */
  private void blame(long took, Throwable ofChampion) {
    if (Side.rejects(ofChampion)) {
      candidate.meter().forget();
    } else {
      candidate.meter().end(took, false);
    }
  }

  /**
   * Begins the answer to a question. Throws at once what the models throw at once for the request.
   */
  <A> CompletableFuture<A> askAsync(Optional<String> key, Question<D, A> question) {
    Route now = enter();
    long begin = callers.begin();
    try {
      CompletableFuture<A> answer = begin(now, key, question);
      var unused =
          answer.whenComplete(
              (given, failure) -> {
                Side.ended(callers, begin, failure);
                leave(now);
              });
      return answer;
    } catch (RuntimeException | Error e) {
      Side.ended(callers, begin, e);
      leave(now);
      throw e;
    }
  }

  private <A> CompletableFuture<A> begin(Route now, Optional<String> key, Question<D, A> question) {
    if (!now.contested) {
      return winner(now).begin(question);
    }
    boolean toCandidate = toCandidate(now, key);
    CompletableFuture<A> answer = toCandidate ? beginCandidate(question) : champion.begin(question);
    if (shares.next() < now.compared) {
      Side<D> other = toCandidate ? champion : candidate;
      var unused = answer.thenAccept(given -> askBeside(other, key, question, given));
    }
    return answer;
  }

  private <A> CompletableFuture<A> beginCandidate(Question<D, A> question) {
    long begin = candidate.meter().begin();
    CompletableFuture<A> first;
    try {
      first = question.begin(candidate.model());
    } catch (RuntimeException e) {
      return beginInstead(question, begin, e);
    }
    CompletableFuture<A> answer = new CompletableFuture<>();
    var unused =
        first
            .orTimeout(patience.toNanos(), TimeUnit.NANOSECONDS)
            .whenComplete(
                (given, failure) -> {
                  if (failure == null) {
                    candidate.meter().ended(begin, true);
                    answer.complete(given);
                  } else if (answer.isDone()) {
                    Side.ended(candidate.meter(), begin, failure);
                  } else {
                    pass(beginInstead(question, begin, failure), answer);
                  }
                });
    cancelWith(answer, first);
    return answer;
  }

  private static <A> void pass(CompletableFuture<A> from, CompletableFuture<A> to) {
    var unused =
        from.whenComplete(
            (given, failure) -> {
              if (failure == null) {
                to.complete(given);
              } else {
                to.completeExceptionally(Side.cause(failure));
              }
            });
    cancelWith(to, from);
  }

  /** Whoever cancels the answer ends the work for it. */
  private static void cancelWith(CompletableFuture<?> answer, CompletableFuture<?> work) {
    var unused =
        answer.whenComplete(
            (given, failure) -> {
              if (failure != null) {
                OutOfTime.passOn(failure, work);
              }
            });
  }

  /** The champion's answer where the candidate failed. */
  private <A> CompletableFuture<A> beginInstead(
      Question<D, A> question, long begin, Throwable failure) {
    long took = nanoClock.getAsLong() - begin;
    Throwable cause = failure instanceof TimeoutException ? late() : Side.cause(failure);
    if (!question.repeatable()) {
      candidate.meter().end(took, false);
      return CompletableFuture.failedFuture(cause);
    }
    LOG.debug(
        "{} answers instead of {}", champion.model().model(), candidate.model().model(), cause);
    CompletableFuture<A> second;
    try {
      second = champion.begin(question);
    } catch (RuntimeException e) {
      blame(took, e);
      if (failure == cause) {
        throw e;
      }
      return CompletableFuture.failedFuture(e);
    }
    var unused =
        second.whenComplete(
            (given, problem) -> {
              if (problem == null) {
                candidate.meter().end(took, false);
              } else {
                blame(took, Side.cause(problem));
              }
            });
    return second;
  }

  /** Asks the other model too; nobody waits, and where too many are waited for it is left out. */
  private <A> void askBeside(
      Side<D> side, Optional<String> key, Question<D, A> question, A answer) {
    if (beside.incrementAndGet() > MOST_BESIDE) {
      beside.decrementAndGet();
      return;
    }
    contested.incrementAndGet();
    long begin = side.meter().begin();
    CompletableFuture<A> other;
    try {
      other = question.beside(side.model());
    } catch (RuntimeException e) {
      other = CompletableFuture.failedFuture(e);
    }
    var unused =
        other
            .orTimeout(patience.toNanos(), TimeUnit.NANOSECONDS)
            .whenComplete(
                (given, failure) -> {
                  side.meter().ended(begin, failure == null);
                  try {
                    if (failure == null) {
                      boolean mine = side.equals(candidate);
                      question.compared(key, mine ? answer : given, mine ? given : answer);
                    }
                  } catch (RuntimeException e) {
                    LOG.warn("A listener to compared answers failed", e);
                  } finally {
                    beside.decrementAndGet();
                    contested.decrementAndGet();
                  }
                });
  }

  private Route enter() {
    while (true) {
      if (closed) {
        throw new IllegalStateException("deployment is closed");
      }
      Route now = route;
      if (!now.contested) {
        return now;
      }
      contested.incrementAndGet();
      if (now == route) {
        return now;
      }
      contested.decrementAndGet();
    }
  }

  private void leave(Route entered) {
    if (entered.contested) {
      contested.decrementAndGet();
    }
  }

  private RuntimeException unchecked(Throwable cause) {
    return cause instanceof RuntimeException known
        ? known
        : new BackendException(
            candidate.model().model().toString(), "failed (" + cause + ")", cause);
  }
}
