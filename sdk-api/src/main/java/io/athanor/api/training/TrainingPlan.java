package io.athanor.api.training;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.error.ValidationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Everything that decides how a model learns, apart from model, data and backend. Immutable and
 * thread-safe.
 */
public final class TrainingPlan {
  private final int epochs;
  private final int batchSize;
  private final int accumulate;
  private final double learningRate;
  private final Optimizer optimizer;
  private final Schedule schedule;
  private final double clipNorm;
  private final Precision precision;
  private final long evaluateEvery;
  private final TrainingMetric monitor;
  private final @Nullable Patience patience;
  private final CheckpointPolicy checkpoints;
  private final long seed;
  private final Tuning tuning;
  private final boolean recompute;

  private TrainingPlan(Builder b) {
    this.epochs = b.epochs;
    this.batchSize = b.batchSize;
    this.accumulate = b.accumulate;
    this.learningRate = b.learningRate;
    this.optimizer = b.optimizer;
    this.schedule = b.schedule;
    this.clipNorm = b.clipNorm;
    this.precision = b.precision;
    this.evaluateEvery = b.evaluateEvery;
    this.monitor = b.monitor;
    this.patience = b.patience;
    this.checkpoints = b.checkpoints;
    this.seed = b.seed;
    this.tuning = b.tuning;
    this.recompute = b.recompute;
  }

  /**
   * A plan to be changed: three epochs, batches of 32, AdamW with weight decay 0.01 at a constant
   * rate of 1e-3, no clipping, evaluated and checkpointed after every epoch, seed 0; everything is
   * trained.
   */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that begins with this plan. */
  public Builder toBuilder() {
    Builder b = new Builder();
    b.epochs = epochs;
    b.batchSize = batchSize;
    b.accumulate = accumulate;
    b.learningRate = learningRate;
    b.optimizer = optimizer;
    b.schedule = schedule;
    b.clipNorm = clipNorm;
    b.precision = precision;
    b.evaluateEvery = evaluateEvery;
    b.monitor = monitor;
    b.patience = patience;
    b.checkpoints = checkpoints;
    b.seed = seed;
    b.tuning = tuning;
    b.recompute = recompute;
    return b;
  }

  /** How often every row is seen. */
  public int epochs() {
    return epochs;
  }

  /** Rows behind one optimizer step. */
  public int batchSize() {
    return batchSize;
  }

  /** Into how many micro-batches a batch is split; only one is in memory at once. */
  public int accumulate() {
    return accumulate;
  }

  /** Rows that go through the model at once. */
  public int microBatchSize() {
    return batchSize / accumulate;
  }

  /** The peak rate, which the schedule scales. */
  public double learningRate() {
    return learningRate;
  }

  /** The rate of a step counted from 1. */
  public double learningRate(long step, long totalSteps) {
    return learningRate * schedule.factor(step, totalSteps);
  }

  public Optimizer optimizer() {
    return optimizer;
  }

  public Schedule schedule() {
    return schedule;
  }

  /** The largest global gradient norm; 0 for no clipping. */
  public double clipNorm() {
    return clipNorm;
  }

  public Precision precision() {
    return precision;
  }

  /** Optimizer steps between evaluations; 0 for the end of each epoch. */
  public long evaluateEvery() {
    return evaluateEvery;
  }

  /** The metric that decides which weights are best, and when to stop early. */
  public TrainingMetric monitor() {
    return monitor;
  }

  /** When to stop early, if ever. */
  public Optional<Patience> patience() {
    return Optional.ofNullable(patience);
  }

  public CheckpointPolicy checkpoints() {
    return checkpoints;
  }

  /** Of first weights, data order and dropout. */
  public long seed() {
    return seed;
  }

  /** Which numbers are trained. */
  public Tuning tuning() {
    return tuning;
  }

  /** Whether activations are computed again in the backward pass instead of kept. */
  public boolean recompute() {
    return recompute;
  }

  /** How a model is compiled to be trained so. */
  public TrainingMode mode() {
    return new TrainingMode(optimizer, precision, seed, recompute);
  }

  private List<Object> values() {
    return List.of(
        epochs,
        batchSize,
        accumulate,
        learningRate,
        optimizer,
        schedule,
        clipNorm,
        precision,
        evaluateEvery,
        monitor,
        patience(),
        checkpoints,
        seed,
        tuning,
        recompute);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TrainingPlan that && values().equals(that.values());
  }

  @Override
  public int hashCode() {
    return Objects.hash(epochs, batchSize, learningRate, seed);
  }

  @Override
  public String toString() {
    return epochs + " epochs of batches of " + batchSize + " with " + optimizer;
  }

  /** Collects settings; each is checked when given. Not thread-safe. */
  public static final class Builder {
    private int epochs = 3;
    private int batchSize = 32;
    private int accumulate = 1;
    private double learningRate = 1e-3;
    private Optimizer optimizer = Optimizer.adamW(0.01);
    private Schedule schedule = Schedule.constant();
    private double clipNorm;
    private Precision precision = Precision.F32;
    private long evaluateEvery;
    private TrainingMetric monitor = TrainingMetric.VALIDATION_LOSS;
    private @Nullable Patience patience;
    private CheckpointPolicy checkpoints = new CheckpointPolicy(0, 3);
    private long seed;
    private Tuning tuning = FullTuning.everything();
    private boolean recompute;

    private Builder() {}

    /** How often every row is seen; at least 1. */
    public Builder epochs(int count) {
      epochs = atLeastOne("epochs", count);
      return this;
    }

    /** Rows behind one optimizer step; at least 1. */
    public Builder batchSize(int rows) {
      batchSize = atLeastOne("batchSize", rows);
      return this;
    }

    /**
     * Splits each batch into this many micro-batches, which saves memory and gives the same update
     * but for rounding, dropout and batch normalisation, which sees one micro-batch at a time; at
     * least 1, and the batch size must be a multiple of it.
     */
    public Builder accumulate(int microBatches) {
      accumulate = atLeastOne("accumulate", microBatches);
      return this;
    }

    /** The peak rate; above 0. */
    public Builder learningRate(double rate) {
      if (!(rate > 0) || !Double.isFinite(rate)) {
        throw new IllegalArgumentException("learningRate must be above 0, got " + rate);
      }
      learningRate = rate;
      return this;
    }

    public Builder optimizer(Optimizer rule) {
      optimizer = Objects.requireNonNull(rule, "optimizer");
      return this;
    }

    public Builder schedule(Schedule course) {
      schedule = Objects.requireNonNull(course, "schedule");
      return this;
    }

    /** The largest global gradient norm; 0 for no clipping. */
    public Builder clipNorm(double largest) {
      if (!(largest >= 0) || !Double.isFinite(largest)) {
        throw new IllegalArgumentException("clipNorm must be at least 0, got " + largest);
      }
      clipNorm = largest;
      return this;
    }

    public Builder precision(Precision format) {
      precision = Objects.requireNonNull(format, "precision");
      return this;
    }

    /** Optimizer steps between evaluations; 0 for the end of each epoch. */
    public Builder evaluateEvery(long steps) {
      evaluateEvery = atLeastZero("evaluateEvery", steps);
      return this;
    }

    /**
     * The metric that decides which weights are best.
     *
     * @throws IllegalArgumentException if there is none of that name; lists those there are
     */
    public Builder monitor(String metric) {
      monitor = TrainingMetric.of(metric);
      return this;
    }

    /**
     * Stops when a metric no longer improves; it also decides which weights are best.
     *
     * @throws IllegalArgumentException if there is no metric of that name; lists those there are
     */
    public Builder stopEarly(String metric, Patience when) {
      monitor = TrainingMetric.of(metric);
      patience = Objects.requireNonNull(when, "patience");
      return this;
    }

    /** Optimizer steps between checkpoints; 0 for the end of each epoch. */
    public Builder checkpointEvery(long steps) {
      atLeastZero("checkpointEvery", steps);
      checkpoints = new CheckpointPolicy(steps, checkpoints.keep());
      return this;
    }

    /** How many of the newest checkpoints stay; at least 1. */
    public Builder keepCheckpoints(int count) {
      atLeastOne("keepCheckpoints", count);
      checkpoints = new CheckpointPolicy(checkpoints.every(), count);
      return this;
    }

    /** Of first weights, data order and dropout. */
    public Builder seed(long start) {
      seed = start;
      return this;
    }

    /** Which numbers are trained; all by default. */
    public Builder tuning(Tuning which) {
      tuning = Objects.requireNonNull(which, "tuning");
      return this;
    }

    /**
     * Whether activations are computed again in the backward pass instead of kept (Chen et al.
     * 2016): less memory, more time, the same bits.
     */
    public Builder recompute(boolean again) {
      recompute = again;
      return this;
    }

    /**
     * The plan.
     *
     * @throws ValidationException if settings contradict each other; lists every contradiction
     */
    public TrainingPlan build() {
      List<String> problems = new ArrayList<>();
      if (batchSize % accumulate != 0) {
        problems.add(
            "batchSize must be a multiple of accumulate, got " + batchSize + " and " + accumulate);
      }
      if (!problems.isEmpty()) {
        throw new ValidationException("training plan", problems);
      }
      return new TrainingPlan(this);
    }

    private static int atLeastOne(String name, int value) {
      if (value < 1) {
        throw new IllegalArgumentException(name + " must be at least 1, got " + value);
      }
      return value;
    }

    private static long atLeastZero(String name, long value) {
      if (value < 0) {
        throw new IllegalArgumentException(name + " must be at least 0, got " + value);
      }
      return value;
    }
  }
}
