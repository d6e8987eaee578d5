package io.athanor.registry.archive;

import java.util.concurrent.CancellationException;

/** Tells the progress of one piece of work, and ends it when its thread is interrupted. */
public final class Pace {
  private final ArchiveProgress progress;
  private long done;
  private long total;

  public Pace(ArchiveProgress progress) {
    this.progress = progress;
  }

  /** Says how much there is to do. */
  void expect(long bytes) {
    total = Math.max(bytes, done);
  }

  /**
   * Something has been done.
   *
   * @throws CancellationException if the thread is interrupted; its interrupted status stays set
   */
  void add(long bytes) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("The work on the archive was interrupted");
    }
    done += bytes;
    total = Math.max(total, done);
    progress.at(done, total);
  }
}
