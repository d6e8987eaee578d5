package io.athanor.deploy.serve;

import java.time.Duration;

/**
 * The one thread that runs a deployment's engine.
 *
 * @param thread a daemon
 */
record ServingThread(Thread thread) {
  /** Not started yet. */
  static ServingThread of(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return new ServingThread(thread);
  }

  void start() {
    thread.start();
  }

  /**
   * Waits for the end of a thread that was told to end, unless the caller is that thread: it ends
   * after this. An interrupted caller waits no longer.
   *
   * @return whether nothing is left to wait for
   */
  boolean endsWithin(Duration patience) {
    if (Thread.currentThread() == thread) {
      return true;
    }
    try {
      thread.join(Math.max(1, patience.toMillis()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }
}
