package io.athanor.eval;

/** Hears how far an evaluation is; called on its thread, and should return at once. */
@FunctionalInterface
public interface ProgressListener {
  /**
   * Some more rows are predicted.
   *
   * @param done rows so far
   * @param rows rows in all
   */
  void predicted(long done, long rows);
}
