package io.athanor.api.error;

/** Training that cannot go on: a loss that is not finite, a batch with nothing to learn from. */
public final class TrainingException extends AthanorException {
  private static final long serialVersionUID = 1L;

  private final long step;

  /**
   * @param step the optimiser step, counted from 1; 0 before the first
   * @param problem what happened, what was expected, how to fix it
   */
  public TrainingException(long step, String problem) {
    super((step > 0 ? "Step " + step + ": " : "") + problem, false);
    this.step = step;
  }

  /** The optimiser step, counted from 1; 0 before the first. */
  public long step() {
    return step;
  }
}
