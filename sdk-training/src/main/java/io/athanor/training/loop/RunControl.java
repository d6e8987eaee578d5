package io.athanor.training.loop;

/** What others want of a run; takes effect between two steps. Thread-safe. */
public final class RunControl {
  private enum Wish {
    RUN,
    PAUSE,
    CANCEL
  }

  private final Object lock = new Object();
  private volatile Wish wish = Wish.RUN;
  private volatile boolean paused;

  /** Asks it to stand still after the current step; no effect on a cancelled run. */
  public void pause() {
    wish(Wish.PAUSE);
  }

  /** Asks it to go on. */
  public void resume() {
    wish(Wish.RUN);
  }

  /** Asks it to end after the current step. */
  public void cancel() {
    wish(Wish.CANCEL);
  }

  private void wish(Wish next) {
    synchronized (lock) {
      if (wish != Wish.CANCEL) {
        wish = next;
        lock.notifyAll();
      }
    }
  }

  /** Whether it stands still. */
  public boolean paused() {
    return paused;
  }

  boolean pauseWanted() {
    return wish == Wish.PAUSE;
  }

  boolean cancelWanted() {
    return wish == Wish.CANCEL;
  }

  /** Waits until the run is to go on or to end. */
  void waitWhilePaused() {
    boolean interrupted = false;
    synchronized (lock) {
      paused = true;
      while (wish == Wish.PAUSE) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          // Only cancel ends a run; the interrupt is handed on afterwards.
          interrupted = true;
        }
      }
      paused = false;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
