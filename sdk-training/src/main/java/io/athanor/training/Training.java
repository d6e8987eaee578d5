package io.athanor.training;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.DeviceProfile;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Task;
import io.athanor.api.data.TrainingData;
import io.athanor.api.error.TrainingException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.event.TrainingListener;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Patience;
import io.athanor.api.training.Schedule;
import io.athanor.api.training.TrainingEstimate;
import io.athanor.api.training.TrainingForecast;
import io.athanor.api.training.TrainingMetric;
import io.athanor.api.training.TrainingPlan;
import io.athanor.api.training.TrainingResult;
import io.athanor.api.training.Tuning;
import io.athanor.training.checkpoint.CheckpointFolder;
import io.athanor.training.compress.Distillation;
import io.athanor.training.estimate.Estimator;
import io.athanor.training.loop.RunControl;
import io.athanor.training.loop.TrainingJob;
import io.athanor.training.loop.TrainingLoop;
import io.athanor.training.tuning.Adapters;
import io.athanor.training.tuning.PackedGraph;
import io.athanor.training.tuning.References;
import io.athanor.training.tuning.TunedModel;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The front door: a model, data, and how to train. Not thread-safe; the run it starts is.
 *
 * <pre>{@code
 * TrainingResult result = Training.of(architecture, data)
 *     .epochs(10)
 *     .learningRate(1e-3)
 *     .checkpoints(folder)
 *     .start()
 *     .await();
 * }</pre>
 *
 * <p>With a folder for checkpoints, the same code goes on where a killed or cancelled run stopped,
 * bit by bit as if nothing had happened.
 */
public final class Training {
  /**
   * What is to be tuned.
   *
   * @param base digest of its weights, if they were trained before
   */
  private record Untuned(
      String architecture,
      Map<String, Object> config,
      Graph graph,
      Weights weights,
      Optional<Digest> base) {}

  private final Supplier<Graph> graph;
  private final LongFunction<Untuned> model;
  private final TrainingData data;
  private final List<String> misfits;
  private final List<TrainingListener> listeners = new ArrayList<>();
  private TrainingPlan.Builder plan = TrainingPlan.builder();
  private @Nullable Distillation teacher;
  private @Nullable Backend backend;
  private @Nullable String backendName;
  private BackendOptions backendOptions = BackendOptions.defaults();
  private @Nullable Path checkpoints;
  private Clock clock = Clock.systemUTC();

  /**
   * @param graph before it is tuned, without its weights
   */
  private Training(
      Supplier<Graph> graph, LongFunction<Untuned> model, TrainingData data, List<String> misfits) {
    this.graph = graph;
    this.model = model;
    this.data = Objects.requireNonNull(data, "data");
    this.misfits = misfits;
  }

  /**
   * Trains an architecture from its first weights. Where it brings weights, the data's text is read
   * by the tokenizer that they were trained with.
   */
  public static Training of(Architecture architecture, TrainingData data) {
    TrainingData read = architecture.reading().map(data::readAs).orElse(data);
    Supplier<Graph> graph = () -> architecture.graph(read.encoding().signature());
    return new Training(graph, seed -> fresh(architecture, graph.get(), seed), read, List.of());
  }

  /**
   * Trains a model further: the same graph, beginning with its weights. The data must be encoded as
   * the model's was; a split's {@code encodedBy(base.encoding())} does that.
   */
  public static Training of(ModelArtifact base, TrainingData data) {
    List<String> misfits =
        base.encoding().equals(data.encoding())
            ? List.of()
            : List.of(
                "the data are encoded in another way than the model's were; use"
                    + " data.encodedBy(model.encoding())");
    return new Training(
        base::graph,
        seed ->
            new Untuned(
                base.architecture(),
                base.config(),
                base.graph(),
                base.weights(),
                Optional.of(base.weightsDigest())),
        data,
        misfits);
  }

  private static Untuned fresh(Architecture architecture, Graph graph, long seed) {
    Weights weights = architecture.weights(graph, seed);
    return new Untuned(
        architecture.name(),
        architecture.config(),
        graph,
        weights,
        architecture.reading().map(bringsWeights -> weights.digest()));
  }

  /** Replaces all settings by those of a plan. */
  public Training plan(TrainingPlan whole) {
    plan = whole.toBuilder();
    return this;
  }

  /** Which numbers are trained; all by default. */
  public Training tuning(Tuning which) {
    plan.tuning(which);
    return this;
  }

  /** Learns from a trained model's answers, besides the data's own. */
  public Training distill(Distillation from) {
    teacher = Objects.requireNonNull(from, "from");
    return this;
  }

  /** Computes activations again in the backward pass: less memory, more time, the same bits. */
  public Training recompute() {
    plan.recompute(true);
    return this;
  }

  /** How often every row is seen; at least 1. */
  public Training epochs(int count) {
    plan.epochs(count);
    return this;
  }

  /** Rows behind one optimizer step; at least 1. */
  public Training batchSize(int rows) {
    plan.batchSize(rows);
    return this;
  }

  /** Splits each batch into this many micro-batches, which saves memory; at least 1. */
  public Training accumulate(int microBatches) {
    plan.accumulate(microBatches);
    return this;
  }

  /** The peak rate; above 0. */
  public Training learningRate(double rate) {
    plan.learningRate(rate);
    return this;
  }

  public Training optimizer(Optimizer rule) {
    plan.optimizer(rule);
    return this;
  }

  public Training schedule(Schedule course) {
    plan.schedule(course);
    return this;
  }

  /** The largest global gradient norm; 0 for no clipping. */
  public Training clipNorm(double largest) {
    plan.clipNorm(largest);
    return this;
  }

  public Training precision(Precision format) {
    plan.precision(format);
    return this;
  }

  /** Optimizer steps between evaluations; 0, the default, for the end of each epoch. */
  public Training evaluateEvery(long steps) {
    plan.evaluateEvery(steps);
    return this;
  }

  /** The metric that decides which weights are best; {@code validation.loss} by default. */
  public Training monitor(String metric) {
    plan.monitor(metric);
    return this;
  }

  /** Stops when a metric no longer improves; it also decides which weights are best. */
  public Training stopEarly(String metric, Patience when) {
    plan.stopEarly(metric, when);
    return this;
  }

  /** Keeps checkpoints in a folder, and goes on from the newest one there. */
  public Training checkpoints(Path folder) {
    checkpoints = Objects.requireNonNull(folder, "folder");
    return this;
  }

  /** Optimizer steps between checkpoints; 0, the default, for the end of each epoch. */
  public Training checkpointEvery(long steps) {
    plan.checkpointEvery(steps);
    return this;
  }

  /** How many of the newest checkpoints stay; at least 1. */
  public Training keepCheckpoints(int count) {
    plan.keepCheckpoints(count);
    return this;
  }

  /** Of first weights, data order and dropout. */
  public Training seed(long start) {
    plan.seed(start);
    return this;
  }

  /** Trains on this backend, which stays open afterwards. */
  public Training backend(Backend opened) {
    backend = Objects.requireNonNull(opened, "backend");
    backendName = null;
    return this;
  }

  /** Trains on the installed backend of this name; without a choice, on the only one installed. */
  public Training backend(String name) {
    backendName = Objects.requireNonNull(name, "backend");
    backend = null;
    return this;
  }

  /** Device and threads, where the backend is not given as an instance. */
  public Training backendOptions(BackendOptions options) {
    backendOptions = Objects.requireNonNull(options, "backendOptions");
    return this;
  }

  /** Tells a listener what happens; may be given several times. */
  public Training listener(TrainingListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /** Dates the model's provenance; the system's clock by default. */
  public Training clock(Clock source) {
    clock = Objects.requireNonNull(source, "clock");
    return this;
  }

  /**
   * The plan as it stands.
   *
   * @throws ValidationException if settings contradict each other; lists every contradiction
   */
  public TrainingPlan plan() {
    return plan.build();
  }

  /**
   * What the run will take in operations and memory, known without weights or a backend. Reads some
   * batches of the data.
   *
   * @throws ValidationException if plan, model and data do not fit together; lists every problem
   */
  public TrainingEstimate estimate() {
    return estimator().estimate();
  }

  /**
   * What the run will take on a device: also its time and price, and whether it fits the memory; if
   * not, what would make it fit.
   *
   * @throws ValidationException if plan, model and data do not fit together; lists every problem
   */
  public TrainingForecast estimate(DeviceProfile device) {
    return estimator().on(device);
  }

  private Estimator estimator() {
    TrainingPlan built = plan();
    requireFit(built);
    Graph untuned = graph.get();
    return new Estimator(built, tuning -> trained(tuning, untuned), data, checkpoints != null);
  }

  private Graph trained(Tuning tuning, Graph untuned) {
    TunedModel.requirePositions(tuning, untuned, data.encoding().signature());
    Graph tuned = TunedModel.graph(tuning, untuned);
    return data.packed() ? PackedGraph.of(tuned) : tuned;
  }

  private Graph trainingGraph(Graph tuned) {
    Graph read = data.packed() ? PackedGraph.of(tuned) : tuned;
    return teacher == null ? read : teacher.graph(read);
  }

  /**
   * Starts a run, or goes on with one from its newest checkpoint. What can be known to be wrong
   * beforehand is thrown here; what goes wrong later comes from {@link TrainingRun#await()}.
   *
   * @throws ValidationException if plan, model and data do not fit together, or if the checkpoints
   *     belong to another run; lists every problem
   * @throws TrainingException if the model has no trained parameter
   * @throws io.athanor.api.error.NotFoundException if there is no such backend
   * @throws io.athanor.api.error.UnsupportedException if the backend cannot train this model so
   * @throws io.athanor.api.error.FormatException if there are checkpoints and all are damaged
   * @throws io.athanor.api.error.ConflictException if another run uses the folder
   */
  public TrainingRun start() {
    TrainingPlan built = plan();
    requireFit(built);
    Untuned untuned = model.apply(built.seed());
    TrainingJob.Model learner = tuned(built, untuned);
    if (learner.graph().trainedParameterCount() == 0) {
      throw new TrainingException(
          0,
          "the model '"
              + learner.architecture()
              + "' has no trained parameter, all are frozen. Leave some of them unfrozen");
    }
    requireAdapters(Adapters.count(learner.graph()));
    Backend chosen = backend == null ? open() : backend;
    try {
      chosen.check(learner.trainingGraph(), built.mode()).require();
      return start(built, learner, read(built, untuned, chosen), chosen);
    } catch (RuntimeException e) {
      closeIfOurs(chosen);
      throw e;
    }
  }

  private TrainingJob.Model tuned(TrainingPlan built, Untuned of) {
    Tuning tuning = built.tuning();
    TunedModel.requirePositions(tuning, of.graph(), data.encoding().signature());
    TunedModel tuned =
        TunedModel.of(tuning, of.graph(), of.weights(), data.encoding().tokenizer(), built.seed());
    return new TrainingJob.Model(
        of.architecture(),
        tuning.kind() == Tuning.Kind.FULL ? of.config() : Adapters.config(of.config(), tuning),
        tuned.graph(),
        trainingGraph(tuned.graph()),
        tuned.weights(),
        of.base().or(() -> Optional.ofNullable(teacher).map(Distillation::teacherWeights)));
  }

  /** The data, with what a teacher answers, or what the model itself found likely before. */
  private TrainingData read(TrainingPlan built, Untuned of, Backend chosen) {
    int batch = built.microBatchSize();
    if (teacher != null) {
      return teacher.taught(data, chosen, batch);
    }
    return References.wantedBy(of.graph())
        ? References.attached(data, of.graph(), of.weights(), chosen, batch)
        : data;
  }

  private TrainingRun start(
      TrainingPlan built, TrainingJob.Model learner, TrainingData read, Backend chosen) {
    Optional<CheckpointFolder> folder =
        Optional.ofNullable(checkpoints).map(CheckpointFolder::open);
    try {
      TrainingJob job =
          new TrainingJob(
              built, learner, read, chosen, folder, listeners, clock, Environment.describe());
      RunControl control = new RunControl();
      TrainingLoop loop = new TrainingLoop(job, control);
      return TrainingRun.start(
          loop,
          control,
          () -> {
            folder.ifPresent(CheckpointFolder::close);
            closeIfOurs(chosen);
          });
    } catch (RuntimeException e) {
      folder.ifPresent(CheckpointFolder::close);
      throw e;
    }
  }

  /** {@link #start} and {@link TrainingRun#await()}. */
  public TrainingResult run() {
    return start().await();
  }

  private void requireFit(TrainingPlan built) {
    Support.withoutQuantized(graph.get()).require();
    List<String> problems = new ArrayList<>(misfits);
    if (teacher != null) {
      problems.addAll(teacher.misfits(data));
    }
    if (data.train().rows() == 0) {
      problems.add("there are no rows to train on");
    }
    boolean validated = data.validation().filter(rows -> rows.rows() > 0).isPresent();
    boolean matters =
        built.patience().isPresent() || built.monitor() != TrainingMetric.VALIDATION_LOSS;
    if (built.monitor().needsValidation() && matters && !validated) {
      problems.add(
          "'"
              + built.monitor()
              + "' is monitored and no validation rows were kept aside; split"
              + " some off");
    }
    requireMeasured(built.monitor(), data.encoding().task(), problems);
    if (built.tuning().kind() == Tuning.Kind.PROMPT && data.packed()) {
      problems.add("virtual tokens come before one text, and the data's rows hold several");
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("training", problems);
    }
  }

  private void requireAdapters(int count) {
    if (count != data.adapters()) {
      throw new ValidationException(
          "training",
          List.of(
              "the model has "
                  + count
                  + " adapters that rows choose from, and the data are for "
                  + data.adapters()
                  + "; name as many in Lora.adapters as AdapterData has data sets"));
    }
  }

  private static void requireMeasured(TrainingMetric metric, Task task, List<String> problems) {
    boolean missing =
        metric == TrainingMetric.VALIDATION_ACCURACY
            ? !(task instanceof Task.Classification)
            : metric == TrainingMetric.VALIDATION_PERPLEXITY && !(task instanceof Task.Generation);
    if (missing) {
      String name = task.getClass().getSimpleName();
      problems.add(
          "'"
              + metric
              + "' is monitored and the task is "
              + Character.toLowerCase(name.charAt(0))
              + name.substring(1)
              + ", which has none; monitor 'validation.loss'");
    }
  }

  private Backend open() {
    Backends installed = Backends.installed();
    BackendProvider provider =
        backendName == null ? installed.only() : installed.named(backendName);
    provider.probe().require();
    return provider.open(backendOptions);
  }

  private void closeIfOurs(Backend chosen) {
    if (chosen != backend) {
      chosen.close();
    }
  }
}
