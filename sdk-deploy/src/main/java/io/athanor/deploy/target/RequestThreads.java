package io.athanor.deploy.target;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.OverloadException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Asks a server's model on threads that wait for its answers, so many at a time, until it is
 * closed. Thread-safe.
 */
final class RequestThreads {
  private static final int QUEUE = 1_024;

  private final RemoteServer server;
  private final ServedModel model;
  private final CountedCalls calls;
  private final ThreadPoolExecutor threads;
  private final Map<Long, CompletableFuture<?>> unanswered = new ConcurrentHashMap<>();
  private final AtomicLong begun = new AtomicLong();

  /** Threads that run a call, or tell a listener of one. */
  private final Set<Thread> inside = ConcurrentHashMap.newKeySet();

  /**
   * @param calls counts them all, and here those that are refused
   * @param atOnce most requests under way; further ones wait
   */
  RequestThreads(RemoteServer server, ServedModel model, CountedCalls calls, int atOnce) {
    this.server = server;
    this.model = model;
    this.calls = calls;
    AtomicInteger number = new AtomicInteger();
    this.threads =
        new ThreadPoolExecutor(
            atOnce,
            atOnce,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(QUEUE),
            task -> {
              Thread thread = new Thread(task, "athanor-http-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * @throws IllegalStateException once it is closed
   */
  void requireOpen() {
    if (threads.isShutdown()) {
      throw new IllegalStateException("The deployment of " + model + " is closed");
    }
  }

  /**
   * Begins a call that brings one input. Cancelling the answer interrupts it, which closes its
   * connection.
   *
   * @throws OverloadException if too many wait
   * @throws IllegalStateException once it is closed
   */
  <T> CompletableFuture<T> begin(Supplier<T> call) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              inside.add(Thread.currentThread());
              try {
                answer.complete(call.get());
              } catch (RuntimeException | Error e) {
                answer.completeExceptionally(e);
              } finally {
                inside.remove(Thread.currentThread());
              }
            },
            null);
    long number = begun.incrementAndGet();
    unanswered.put(number, answer);
    var unused =
        answer.whenComplete(
            (done, failure) -> {
              unanswered.remove(number);
              if (answer.isCancelled()) {
                threads.remove(task);
                task.cancel(true);
              }
            });
    try {
      threads.execute(task);
    } catch (RejectedExecutionException e) {
      unanswered.remove(number);
      requireOpen();
      calls.refused(1);
      throw new OverloadException(
          server.toString(), QUEUE + " requests wait for it; try again later");
    }
    return answer;
  }

  /** A call's listener, which another thread tells: it belongs to the call as well. */
  Predicate<String> inside(Predicate<String> listener) {
    return piece -> {
      inside.add(Thread.currentThread());
      try {
        return listener.test(piece);
      } finally {
        inside.remove(Thread.currentThread());
      }
    };
  }

  /** The counts of calls, with those that no thread has begun yet as waiting. */
  DeploymentStats stats() {
    return calls.stats(threads.getQueue().size());
  }

  /**
   * Takes no more calls, and waits for those begun as long as the server may be silent. Those that
   * have no answer then fail. From inside a call it does not wait: that would be for itself.
   */
  void close() {
    threads.shutdown();
    if (inside.contains(Thread.currentThread())) {
      return;
    }
    try {
      if (threads.awaitTermination(server.retries().silence().toMillis(), TimeUnit.MILLISECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    threads.shutdownNow();
    BackendException closed =
        new BackendException(server.toString(), "the deployment was closed before it answered");
    unanswered.values().forEach(answer -> answer.completeExceptionally(closed));
  }
}
