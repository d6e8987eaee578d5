package io.athanor.training;

import io.athanor.api.error.TrainingException;
import io.athanor.api.training.TrainingProgress;
import io.athanor.api.training.TrainingResult;
import io.athanor.training.loop.RunControl;
import io.athanor.training.loop.TrainingLoop;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A training under way on a thread of its own, which keeps the JVM alive until it is over. When the
 * JVM is told to stop, the run is cancelled: it finishes its step and saves a checkpoint if it has
 * a folder for them. Thread-safe.
 */
public final class TrainingRun {
  private static final long LONGEST_WAIT_AT_SHUTDOWN_SECONDS = 60;

  private final TrainingLoop loop;
  private final RunControl control;
  private final CompletableFuture<TrainingResult> outcome = new CompletableFuture<>();

  private TrainingRun(TrainingLoop loop, RunControl control) {
    this.loop = loop;
    this.control = control;
  }

  /** What a run holds while it lasts. */
  @FunctionalInterface
  interface Resources extends AutoCloseable {
    @Override
    void close();
  }

  /** Starts the thread. The resources are closed when it is over, before anybody hears of it. */
  static TrainingRun start(TrainingLoop loop, RunControl control, Resources resources) {
    TrainingRun run = new TrainingRun(loop, control);
    CountDownLatch over = new CountDownLatch(1);
    Thread hook = new Thread(() -> run.stopAtShutdown(over), "athanor-training-shutdown");
    Thread thread =
        new Thread(
            () -> {
              run.train(resources);
              forget(hook);
              over.countDown();
            },
            "athanor-training");
    thread.setDaemon(false);
    Runtime.getRuntime().addShutdownHook(hook);
    thread.start();
    return run;
  }

  private void train(Resources resources) {
    TrainingResult result;
    try (resources) {
      result = loop.run();
    } catch (Throwable e) {
      outcome.completeExceptionally(e);
      return;
    }
    outcome.complete(result);
  }

  private void stopAtShutdown(CountDownLatch over) {
    control.cancel();
    try {
      over.await(LONGEST_WAIT_AT_SHUTDOWN_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void forget(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is already shutting down, and the hook is what ended the run.
    }
  }

  /** Where it stands. */
  public TrainingProgress progress() {
    TrainingProgress.State state =
        outcome.isCompletedExceptionally()
            ? TrainingProgress.State.FAILED
            : outcome.isDone()
                ? TrainingProgress.State.ENDED
                : control.paused() ? TrainingProgress.State.PAUSED : TrainingProgress.State.RUNNING;
    return loop.progress(state);
  }

  /** Lets it stand still after the current step, until {@link #resume} or {@link #cancel}. */
  public void pause() {
    control.pause();
  }

  /** Lets it go on. */
  public void resume() {
    control.resume();
  }

  /**
   * Ends it after the current step. It then has a result like any other run, with the best model so
   * far, and a checkpoint from which the same code goes on.
   */
  public void cancel() {
    control.cancel();
  }

  /** Whether it is over. */
  public boolean done() {
    return outcome.isDone();
  }

  /**
   * Waits for the result.
   *
   * @throws TrainingException if nothing could be learned any more; or if this thread is
   *     interrupted, which does not end the run
   * @throws io.athanor.api.error.AthanorException if the run failed for another reason
   */
  public TrainingResult await() {
    try {
      return outcome.get();
    } catch (InterruptedException e) {
      throw interrupted();
    } catch (ExecutionException e) {
      throw failure(e);
    }
  }

  /**
   * Waits for the result at most this long.
   *
   * @return empty if it is not over yet
   * @throws TrainingException as in {@link #await()}
   */
  public Optional<TrainingResult> await(Duration atMost) {
    try {
      return Optional.of(outcome.get(atMost.toNanos(), TimeUnit.NANOSECONDS));
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      throw interrupted();
    } catch (ExecutionException e) {
      throw failure(e);
    }
  }

  private TrainingException interrupted() {
    Thread.currentThread().interrupt();
    return new TrainingException(
        progress().step(),
        "the thread that waited for the result was interrupted. The run goes on; await() it again,"
            + " or cancel() it");
  }

  private static RuntimeException failure(ExecutionException e) {
    Throwable cause = e.getCause();
    if (cause instanceof Error error) {
      throw error;
    }
    return cause instanceof RuntimeException known
        ? known
        : new IllegalStateException("A run throws no checked exception", cause);
  }
}
