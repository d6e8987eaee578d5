package io.athanor.training.loop;

import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Task;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.TrainingException;
import io.athanor.api.event.TrainingEvent;
import io.athanor.api.event.TrainingListener;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.api.training.Patience;
import io.athanor.api.training.StopReason;
import io.athanor.api.training.TrainingHistory;
import io.athanor.api.training.TrainingMetric;
import io.athanor.api.training.TrainingPlan;
import io.athanor.api.training.TrainingProgress;
import io.athanor.api.training.TrainingResult;
import io.athanor.training.checkpoint.Checkpoint;
import io.athanor.training.checkpoint.Checkpoint.Best;
import io.athanor.training.checkpoint.Checkpoint.Mean;
import io.athanor.training.checkpoint.Checkpoint.Position;
import io.athanor.training.checkpoint.CheckpointFolder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains one model: epochs of steps, a step over micro-batches, now and then an evaluation and a
 * checkpoint. Everything that decides how it goes on is in the fields below "state", and all of
 * that is in every checkpoint.
 */
public final class TrainingLoop {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

  private final TrainingJob job;
  private final TrainingPlan plan;
  private final RunControl control;
  private final Map<String, String> identity;
  private final Optional<Checkpoint> resumed;
  private final Optional<Validation> validation;
  private final long totalSteps;
  private final Stopwatch stopwatch = new Stopwatch();
  private final DeadLossGuard guard;

  // State.
  private final HistoryRecorder history;
  private long step;
  private Position position = new Position(0, 0);
  private Mean trainLoss = Mean.NONE;
  private @Nullable Best best;
  private int stale;

  // For other threads to look at.
  private volatile TrainingEvent.@Nullable StepCompleted latestStep;
  private volatile Map<String, Double> latestMetrics = Map.of();
  private volatile long stepsBefore;
  private volatile int epochBefore = 1;
  private volatile double secondsPerStep;

  private long savedStep = -1;

  /**
   * Prepares a run and looks for a checkpoint to go on from.
   *
   * @throws io.athanor.api.error.ValidationException if the checkpoint belongs to another run
   * @throws io.athanor.api.error.FormatException if there are checkpoints and all are damaged
   */
  public TrainingLoop(TrainingJob job, RunControl control) {
    this.job = job;
    this.plan = job.plan();
    this.control = control;
    this.identity = job.checkpoints().isPresent() ? job.identity() : Map.of();
    this.resumed = job.checkpoints().flatMap(folder -> folder.newest(identity));
    this.totalSteps = job.data().train().count(plan.batchSize()) * plan.epochs();
    this.history = new HistoryRecorder(totalSteps);
    this.guard = new DeadLossGuard(resumed.isEmpty());
    Task task = job.data().encoding().task();
    this.validation =
        job.data().validation().map(rows -> new Validation(rows, plan.microBatchSize(), task));
  }

  /**
   * Trains until done, stopped or cancelled.
   *
   * @throws TrainingException if nothing can be learned any more
   */
  public TrainingResult run() {
    TrainingJob.Model learner = job.model();
    try (TrainableModel model =
        job.backend().compile(learner.trainingGraph(), learner.weights(), plan.mode())) {
      stopwatch.start(resumed.map(Checkpoint::duration).orElse(Duration.ZERO));
      resumed.ifPresent(checkpoint -> restore(model, checkpoint));
      stepsBefore = step;
      epochBefore = Math.min(position.epoch() + 1, plan.epochs());
      announce(
          new TrainingEvent.Started(
              step,
              totalSteps,
              learner.architecture(),
              learner.graph().trainedParameterCount(),
              plan));
      while (position.epoch() < plan.epochs() && !outOfPatience() && !control.cancelWanted()) {
        epoch(model);
      }
      save(model);
      return finish(model);
    } catch (Throwable e) {
      announce(
          new TrainingEvent.Failed(
              step, e instanceof AthanorException ours ? ours.getMessage() : e.toString()));
      throw e;
    }
  }

  /** Takes the steps that are left in the current epoch, as long as it should go on. */
  private void epoch(TrainableModel model) {
    int epoch = position.epoch();
    BatchOrder order = BatchOrder.shuffled(plan.microBatchSize(), plan.seed(), epoch);
    try (Batches.Stream batches = job.data().train().open(order.from(position.microBatch()))) {
      if (!batches.hasNext()) {
        throw new TrainingException(step + 1, "the training data gave no batch in epoch " + epoch);
      }
      while (batches.hasNext() && proceed() && !outOfPatience()) {
        step(model, batches);
        boolean endOfEpoch = !batches.hasNext();
        boolean endOfRun = endOfEpoch && epoch + 1 == plan.epochs();
        if (endOfEpoch) {
          position = new Position(epoch + 1, 0);
        }
        if (due(plan.evaluateEvery(), endOfEpoch) || endOfRun) {
          evaluate(model, epoch + 1);
        }
        if (endOfEpoch) {
          announce(new TrainingEvent.EpochCompleted(step, epoch + 1, plan.epochs()));
        }
        if (due(plan.checkpoints().every(), endOfEpoch)) {
          save(model);
        }
      }
    }
  }

  private boolean due(long every, boolean endOfEpoch) {
    return every == 0 ? endOfEpoch : step % every == 0;
  }

  /** One optimizer step over the next micro-batches. */
  private void step(TrainableModel model, Batches.Stream batches) {
    long number = step + 1;
    List<MicroBatch> microBatches = new ArrayList<>(plan.accumulate());
    int taken = 0;
    int rows = 0;
    while (taken < plan.accumulate() && batches.hasNext()) {
      Batch batch = batches.next();
      taken++;
      rows += batch.rows();
      ScoredBatch.of(batch).ifPresent(microBatches::add);
    }
    if (microBatches.isEmpty()) {
      throw new TrainingException(
          number,
          "none of the "
              + rows
              + " rows of this batch has a target that counts in the loss, so there is nothing to"
              + " learn from. Check the target column and how targets are masked");
    }
    double rate = plan.learningRate(number, Math.max(number, totalSteps));
    StepResult result = model.step(microBatches, new StepSettings(rate, plan.clipNorm()));
    guard.check(number, result, rate);
    step = number;
    position = new Position(position.epoch(), position.microBatch() + taken);
    trainLoss = trainLoss.plus(result.loss());
    history.add(step, result.loss(), rate, result.gradientNorm());
    TrainingEvent.StepCompleted completed =
        new TrainingEvent.StepCompleted(
            step,
            totalSteps,
            position.epoch() + 1,
            result.loss(),
            result.gradientNorm(),
            rate,
            stopwatch.rowsPerSecond(rows));
    secondsPerStep = stopwatch.secondsSinceStart() / (step - stepsBefore);
    latestStep = completed;
    announce(completed);
  }

  /** Measures the model and remembers its weights if they are the best so far. */
  private void evaluate(TrainableModel model, int epoch) {
    Map<String, Double> metrics = new TreeMap<>();
    metrics.put(TrainingMetric.TRAIN_LOSS.key(), trainLoss.value());
    validation.ifPresent(rows -> rows.measure(model, step, metrics));
    double rate = plan.learningRate(step, Math.max(step, totalSteps));
    metrics.forEach((name, value) -> DeadLossGuard.requireFinite(step, name, value, rate));
    trainLoss = Mean.NONE;
    history.add(new TrainingHistory.Evaluation(step, epoch, metrics));
    latestMetrics = Map.copyOf(metrics);
    boolean better = judge(model, metrics.get(plan.monitor().key()));
    announce(new TrainingEvent.Evaluated(step, epoch, metrics, better));
  }

  private boolean judge(TrainableModel model, @Nullable Double value) {
    if (value == null) {
      return false;
    }
    double by = plan.patience().map(Patience::minimumChange).orElse(0.0);
    if (best == null || plan.monitor().better(value, best.value(), by)) {
      best = new Best(value, step, model.learned());
      stale = 0;
      return true;
    }
    stale++;
    return false;
  }

  private boolean outOfPatience() {
    return plan.patience().isPresent() && stale >= plan.patience().get().evaluations();
  }

  /** Stands still while that is wanted; false once the run is to end. */
  private boolean proceed() {
    if (control.pauseWanted()) {
      stopwatch.halt();
      announce(new TrainingEvent.Paused(step));
      control.waitWhilePaused();
      stopwatch.proceed();
      if (!control.cancelWanted()) {
        announce(new TrainingEvent.Resumed(step));
      }
    }
    return !control.cancelWanted();
  }

  private void save(TrainableModel model) {
    if (job.checkpoints().isEmpty() || savedStep == step) {
      return;
    }
    CheckpointFolder folder = job.checkpoints().get();
    Checkpoint checkpoint =
        new Checkpoint(
            step,
            position,
            trainLoss,
            history.sinceLastPoint(),
            Optional.ofNullable(best),
            stale,
            history.history(),
            stopwatch.spent(),
            model.state());
    Path saved = folder.save(checkpoint, identity, plan.checkpoints().keep());
    savedStep = step;
    announce(new TrainingEvent.CheckpointSaved(step, saved));
  }

  private void restore(TrainableModel model, Checkpoint checkpoint) {
    model.restore(checkpoint.state());
    step = checkpoint.step();
    savedStep = step;
    position = checkpoint.position();
    trainLoss = checkpoint.trainLoss();
    best = checkpoint.best().orElse(null);
    stale = checkpoint.stale();
    history.restore(checkpoint.history(), checkpoint.curveLoss());
    List<TrainingHistory.Evaluation> measured = checkpoint.history().evaluations();
    if (!measured.isEmpty()) {
      latestMetrics = measured.get(measured.size() - 1).metrics();
    }
    LOG.info("Going on from the checkpoint of step {} of {}", step, totalSteps);
  }

  private TrainingResult finish(TrainableModel model) {
    StopReason reason =
        position.epoch() == plan.epochs()
            ? StopReason.COMPLETED
            : outOfPatience() ? StopReason.STOPPED_EARLY : StopReason.CANCELLED;
    Weights learned = best == null ? model.learned() : best.weights();
    long bestStep = best == null ? step : best.step();
    TrainingHistory course = history.history();
    Map<String, Double> metrics =
        course.at(bestStep).map(TrainingHistory.Evaluation::metrics).orElse(Map.of());
    ModelArtifact artifact =
        new ModelArtifact(
            job.model().architecture(),
            job.model().config(),
            job.model().graph(),
            job.model().weights().with(learned),
            job.data().encoding(),
            metrics,
            provenance());
    ModelArtifact watched = artifact.withBaseline(TrainedBaseline.of(job, artifact));
    announce(new TrainingEvent.Ended(step, reason, bestStep, metrics));
    return new TrainingResult(watched, course, reason, step, bestStep, stopwatch.spent());
  }

  private Provenance provenance() {
    Map<String, String> environment = new HashMap<>(job.environment());
    environment.put("backend", job.backend().name());
    environment.putAll(job.backend().identity());
    return new Provenance(
        job.clock().instant(),
        plan.seed(),
        job.planJson(),
        List.of(job.data().provenance()),
        job.model().base(),
        environment);
  }

  private void announce(TrainingEvent event) {
    for (TrainingListener listener : job.listeners()) {
      try {
        listener.on(event);
      } catch (RuntimeException e) {
        LOG.warn("A listener failed on {}; the run goes on", event, e);
      }
    }
  }

  /** Where the run stands; any thread. */
  public TrainingProgress progress(TrainingProgress.State state) {
    TrainingEvent.StepCompleted latest = latestStep;
    Map<String, Double> metrics = new HashMap<>(latestMetrics);
    if (latest == null) {
      return new TrainingProgress(
          state, stepsBefore, totalSteps, epochBefore, plan.epochs(), metrics, Optional.empty());
    }
    metrics.put(TrainingMetric.TRAIN_LOSS.key(), latest.loss());
    metrics.put("learning.rate", latest.learningRate());
    metrics.put("gradient.norm", latest.gradientNorm());
    metrics.put("rows.per.second", latest.rowsPerSecond());
    double seconds = secondsPerStep * (totalSteps - latest.step());
    return new TrainingProgress(
        state,
        latest.step(),
        totalSteps,
        latest.epoch(),
        plan.epochs(),
        metrics,
        Optional.of(Duration.ofMillis((long) (1000 * Math.max(0, seconds)))));
  }
}
