package io.athanor.backend.djl;

import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.JniUtils;
import io.athanor.api.error.BackendException;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * The gate to native code. It sets what libtorch keeps for each thread, turns engine errors into
 * ours, and holds back the end of the JVM until the call in progress returns: libtorch crashes the
 * process when it is torn down under a running call. Thread-safe.
 */
final class NativeCalls {
  private final ReentrantReadWriteLock exit = new ReentrantReadWriteLock();
  private boolean stopped;

  /** Waits for calls in progress and refuses further ones. */
  void stop() {
    exit.writeLock().lock();
    try {
      stopped = true;
    } finally {
      exit.writeLock().unlock();
    }
  }

  /**
   * Runs native code on this thread.
   *
   * @throws BackendException if the engine fails, or after {@link #stop}
   */
  <T> T run(Supplier<T> call) {
    exit.readLock().lock();
    try {
      if (stopped) {
        throw new BackendException(
            DjlBackendProvider.NAME,
            "the JVM is shutting down; finish or cancel the work before it exits");
      }
      JniUtils.setGraphExecutorOptimize(false);
      boolean before = JniUtils.isGradMode();
      if (before) {
        return call.get();
      }
      JniUtils.setGradMode(true);
      try {
        return call.get();
      } finally {
        JniUtils.setGradMode(false);
      }
    } catch (EngineException e) {
      throw failure(e);
    } finally {
      exit.readLock().unlock();
    }
  }

  /** Sets how many threads one operation uses when this thread calls it. */
  static void threads(int count) {
    if (JniUtils.getNumThreads() != count) {
      JniUtils.setNumThreads(count);
    }
  }

  /** Frees native memory; after {@link #stop} the end of the process does that. */
  void release(Runnable free) {
    exit.readLock().lock();
    try {
      if (!stopped) {
        free.run();
      }
    } finally {
      exit.readLock().unlock();
    }
  }

  private static BackendException failure(EngineException e) {
    return new BackendException(DjlBackendProvider.NAME, explained(brief(e)), e);
  }

  /** What libtorch says, without its trace through the program. */
  static String brief(EngineException e) {
    String message = String.valueOf(e.getMessage());
    int reason = message.lastIndexOf("RuntimeError: ");
    return (reason < 0 ? message : message.substring(reason + 14)).strip();
  }

  static String explained(String brief) {
    if (brief.contains("index out of range in self")) {
      return "an id lies outside the table it looks up; check the ids of the batch";
    }
    if (brief.contains("out of memory") || brief.contains("can't allocate memory")) {
      return "there is no room for the tensors of this call; use smaller batches or shorter"
          + " sequences, recompute activations in training, or train fewer parameters"
          + " (MemoryEstimate tells what a graph needs). libtorch says: "
          + brief;
    }
    if (brief.contains("CUDA error")) {
      return brief + "; start the JVM anew, as the device does not recover within a process";
    }
    return brief;
  }
}
