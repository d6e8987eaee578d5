package io.athanor.training.loop;

import io.athanor.api.backend.StepResult;
import io.athanor.api.error.TrainingException;

/** Fails loudly where nothing can be learned any more. */
final class DeadLossGuard {
  private static final int STEPS_WITHOUT_GRADIENT = 10;
  private static final int STEPS_WITHOUT_CHANGE = 50;

  /** Whether the loss was the same at every step since the first one of the run. */
  private boolean neverChanged;

  private double firstLoss;
  private int steps;
  private int withoutGradient;

  /**
   * @param fromTheStart false if the run goes on from a checkpoint
   */
  DeadLossGuard(boolean fromTheStart) {
    this.neverChanged = fromTheStart;
  }

  void check(long step, StepResult result, double learningRate) {
    requireFinite(step, "loss", result.loss(), learningRate);
    requireFinite(step, "gradient norm", result.gradientNorm(), learningRate);
    withoutGradient = result.gradientNorm() == 0 && result.loss() != 0 ? withoutGradient + 1 : 0;
    if (withoutGradient == STEPS_WITHOUT_GRADIENT) {
      throw new TrainingException(
          step,
          "the gradient was exactly 0 for "
              + STEPS_WITHOUT_GRADIENT
              + " steps in a row at loss "
              + result.loss()
              + ", so nothing is learned. Check that the loss depends on parameters that are"
              + " trained, and that no activation is stuck; a lower learning rate can prevent that");
    }
    if (steps == 0) {
      firstLoss = result.loss();
    }
    steps++;
    neverChanged &= result.loss() == firstLoss && result.loss() != 0;
    if (neverChanged && steps == STEPS_WITHOUT_CHANGE) {
      throw new TrainingException(
          step,
          "the loss has been exactly "
              + result.loss()
              + " at every step so far, at learning rate "
              + learningRate
              + ", so nothing is learned. Raise the learning rate, and check that the loss depends"
              + " on the inputs");
    }
  }

  static void requireFinite(long step, String what, double value, double learningRate) {
    if (!Double.isFinite(value)) {
      throw new TrainingException(
          step,
          "the "
              + what
              + " is "
              + value
              + " at learning rate "
              + learningRate
              + "; expected a finite number. Try a lower learning rate, a warm-up, or clipNorm(1.0);"
              + " check the data for extreme values; with F16 try BF16 or F32. Checkpoints from"
              + " before this step are untouched");
    }
  }
}
