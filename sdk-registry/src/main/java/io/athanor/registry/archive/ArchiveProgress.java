package io.athanor.registry.archive;

/** Hears how far the writing or reading of an archive has come; called by the working thread. */
@FunctionalInterface
public interface ArchiveProgress {
  /**
   * Called after each part.
   *
   * @param done bytes dealt with so far
   * @param total bytes there are, as far as is known
   */
  void at(long done, long total);
}
