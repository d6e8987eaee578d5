package io.athanor.api.event;

import io.athanor.api.training.StopReason;
import io.athanor.api.training.TrainingPlan;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/** Something that happened in a training run. Steps and epochs are counted from 1. */
public sealed interface TrainingEvent {
  /** The kinds of events. */
  enum Kind {
    STARTED,
    STEP_COMPLETED,
    EVALUATED,
    EPOCH_COMPLETED,
    CHECKPOINT_SAVED,
    PAUSED,
    RESUMED,
    ENDED,
    FAILED
  }

  /** Which of the kinds this is. */
  Kind kind();

  /** Optimizer steps taken so far. */
  long step();

  /**
   * The first step is about to be taken.
   *
   * @param step 0, or the step of the checkpoint from which the run goes on
   * @param totalSteps of the whole run
   * @param model name of the architecture
   * @param trainedParameters how many numbers are learned
   * @param plan what the run was told
   */
  record Started(
      long step, long totalSteps, String model, long trainedParameters, TrainingPlan plan)
      implements TrainingEvent {
    @Override
    public Kind kind() {
      return Kind.STARTED;
    }
  }

  /**
   * One optimizer step.
   *
   * @param step this one
   * @param totalSteps of the whole run
   * @param epoch the current one
   * @param loss weighted mean over the batch
   * @param gradientNorm global, before clipping
   * @param learningRate used
   * @param rowsPerSecond over the last steps
   */
  record StepCompleted(
      long step,
      long totalSteps,
      int epoch,
      double loss,
      double gradientNorm,
      double learningRate,
      double rowsPerSecond)
      implements TrainingEvent {
    @Override
    public Kind kind() {
      return Kind.STEP_COMPLETED;
    }
  }

  /**
   * The model was measured.
   *
   * @param step after which
   * @param epoch the current one
   * @param metrics by name
   * @param best whether it is the best so far by the monitored metric
   */
  record Evaluated(long step, int epoch, Map<String, Double> metrics, boolean best)
      implements TrainingEvent {
    public Evaluated {
      metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
    }

    @Override
    public Kind kind() {
      return Kind.EVALUATED;
    }
  }

  /**
   * Every row was seen once more.
   *
   * @param step the last of the epoch
   * @param epoch the one that ended
   * @param epochs of the whole run
   */
  record EpochCompleted(long step, int epoch, int epochs) implements TrainingEvent {
    @Override
    public Kind kind() {
      return Kind.EPOCH_COMPLETED;
    }
  }

  /**
   * A checkpoint is safe on disk.
   *
   * @param step whose state it holds
   * @param folder where it lies
   */
  record CheckpointSaved(long step, Path folder) implements TrainingEvent {
    @Override
    public Kind kind() {
      return Kind.CHECKPOINT_SAVED;
    }
  }

  /** The run stands still until it is resumed or cancelled. */
  record Paused(long step) implements TrainingEvent {
    @Override
    public Kind kind() {
      return Kind.PAUSED;
    }
  }

  /** The run goes on after a pause. */
  record Resumed(long step) implements TrainingEvent {
    @Override
    public Kind kind() {
      return Kind.RESUMED;
    }
  }

  /**
   * The run is over and has a result.
   *
   * @param step the last one
   * @param reason why it ended
   * @param bestStep the step whose weights the model has
   * @param metrics of the model, by name
   */
  record Ended(long step, StopReason reason, long bestStep, Map<String, Double> metrics)
      implements TrainingEvent {
    public Ended {
      metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
    }

    @Override
    public Kind kind() {
      return Kind.ENDED;
    }
  }

  /**
   * The run is over without a result.
   *
   * @param step the last one that was completed
   * @param problem what went wrong
   */
  record Failed(long step, String problem) implements TrainingEvent {
    @Override
    public Kind kind() {
      return Kind.FAILED;
    }
  }
}
