package io.athanor.eval;

import io.athanor.api.backend.Backend;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Rows;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.eval.Curves;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.api.eval.EvaluationReport.Subject;
import io.athanor.api.eval.EvaluationReport.TestSet;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import io.athanor.api.training.TrainingHistory;
import io.athanor.eval.metric.Bootstrap;
import io.athanor.eval.metric.Gate;
import io.athanor.eval.metric.Metric;
import io.athanor.eval.metric.Observations;
import io.athanor.eval.metric.Speed;
import io.athanor.eval.metric.TestRun;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Measures a model on rows it has not seen, and lets gates decide. Not thread-safe.
 *
 * <pre>{@code
 * var report = Evaluation.of(model, testRows)
 *     .metrics(accuracy(), f1().of("spam"))
 *     .gate(f1().of("spam").atLeast(0.95), noWorseThan(champion))
 *     .run();
 * }</pre>
 */
public final class Evaluation {
  private static final int TIMED_CALLS = 200;
  private static final int MOST_LABELS = 2_000;

  private final Subject subject;
  private final Source source;
  private final List<Metric> metrics = new ArrayList<>();
  private final List<Gate> gates = new ArrayList<>();
  private @Nullable Backend backend;
  private int batchSize = 64;
  private int timedCalls = TIMED_CALLS;
  private int resamples = 1_000;
  private double confidence = 0.95;
  private long seed;
  private ProgressListener listener = (done, rows) -> {};
  private Curves history = Curves.NONE;
  private LongSupplier nanoClock = System::nanoTime;
  private Clock clock = Clock.systemUTC();

  /** Where the outcomes come from: exactly one of model, predictor and ready outcomes. */
  private record Source(
      @Nullable ModelArtifact model,
      @Nullable Predictor predictor,
      @Nullable Outcomes outcomes,
      @Nullable TestRows rows,
      TestSet test) {}

  private Evaluation(Subject subject, Source source) {
    this.subject = subject;
    this.source = source;
    if (subject.task() instanceof Task.Classification task && task.labels().size() > MOST_LABELS) {
      throw new UnsupportedException(
          "a confusion matrix of " + task.labels().size() + " labels, more than " + MOST_LABELS,
          "Put rare labels together before training");
    }
  }

  /**
   * Of a model.
   *
   * @param rows labelled, at least one
   * @throws io.athanor.api.error.ValidationException if there are no rows
   * @throws UnsupportedException if there are more than 2,000 labels, or 50 million rows
   */
  public static Evaluation of(ModelArtifact model, Rows rows) {
    TestRows test = new TestRows(rows, model.task().target());
    return new Evaluation(
        new Subject(model.architecture(), Optional.of(model.weightsDigest()), model.task()),
        new Source(model, null, null, test, test.testSet()));
  }

  /**
   * Of a model that is already running; it is not closed.
   *
   * @param rows labelled, at least one
   * @throws io.athanor.api.error.ValidationException if there are no rows
   * @throws UnsupportedException if there are more than 2,000 labels, or 50 million rows
   */
  public static Evaluation of(Predictor predictor, Rows rows) {
    Task task = predictor.encoding().target().task();
    TestRows test = new TestRows(rows, task.target());
    return new Evaluation(
        new Subject("", Optional.empty(), task),
        new Source(null, predictor, null, test, test.testSet()));
  }

  /**
   * Of predictions made elsewhere. Nothing is timed, and a champion must come as a report.
   *
   * @param target name of the predicted column
   * @param outcomes at least one row
   * @param fingerprint digest of the rows' content
   */
  public static Evaluation of(String target, Outcomes outcomes, Digest fingerprint) {
    Task task =
        outcomes instanceof Outcomes.Labels labels
            ? new Task.Classification(target, labels.labels())
            : new Task.Regression(target);
    return new Evaluation(
        new Subject("", Optional.empty(), task),
        new Source(null, null, outcomes, null, new TestSet(fingerprint, outcomes.rows())));
  }

  /** What to measure, besides earlier calls; without it, all that makes sense for the task. */
  public Evaluation metrics(Metric... chosen) {
    metrics.addAll(List.of(chosen));
    return this;
  }

  /** What the model must meet, besides the conditions of earlier calls. */
  public Evaluation gate(Gate... conditions) {
    gates.addAll(List.of(conditions));
    return this;
  }

  /** The backend to run on; without it, the only one on the class path. It is not closed. */
  public Evaluation backend(Backend chosen) {
    this.backend = chosen;
    return this;
  }

  /** Rows predicted together; 64 unless set. */
  public Evaluation batchSize(int rows) {
    this.batchSize = atLeast(1, "batchSize", rows);
    return this;
  }

  /** Single-row predictions to time; 200 unless set, 0 times nothing. */
  public Evaluation timedCalls(int calls) {
    this.timedCalls = atLeast(0, "timedCalls", calls);
    return this;
  }

  /** Bootstrap resamples; 1,000 unless set. */
  public Evaluation resamples(int count) {
    this.resamples = atLeast(100, "resamples", count);
    return this;
  }

  /**
   * Level of the intervals; 0.95 unless set.
   *
   * @param level in (0.5, 1)
   */
  public Evaluation confidence(double level) {
    if (!(level > 0.5 && level < 1)) {
      throw new IllegalArgumentException("confidence must be in (0.5, 1), got " + level);
    }
    this.confidence = level;
    return this;
  }

  /** Seed of the resampling; 0 unless set. */
  public Evaluation seed(long value) {
    this.seed = value;
    return this;
  }

  /** Hears of the progress. */
  public Evaluation listener(ProgressListener hears) {
    this.listener = hears;
    return this;
  }

  /** Loss curves to show in the report. */
  public Evaluation history(TrainingHistory course) {
    history = Curves.of(course);
    return this;
  }

  /** The clock for the date of the report. */
  public Evaluation clock(Clock dates) {
    this.clock = dates;
    return this;
  }

  /** The clock for latency and throughput, in nanoseconds. */
  public Evaluation nanoClock(LongSupplier nanos) {
    this.nanoClock = nanos;
    return this;
  }

  private static int atLeast(int least, String name, int value) {
    if (value < least) {
      throw new IllegalArgumentException(name + " must be at least " + least + ", got " + value);
    }
    return value;
  }

  /**
   * Predicts, measures and decides.
   *
   * @throws io.athanor.api.error.ValidationException if the rows lack columns of the model, the
   *     model answers with numbers that are not finite, or a champion's report is of other rows
   * @throws io.athanor.api.error.FormatException if a row has no target, a label the model does not
   *     know, or a cell that does not fit; names the row
   * @throws io.athanor.api.error.NotFoundException if a metric names a label the model does not
   *     know, or no backend is on the class path
   * @throws io.athanor.api.error.UnsupportedException if a metric is of another task
   */
  public EvaluationReport run() {
    try (Engine engine = new Engine(Optional.ofNullable(backend))) {
      Examination examination =
          source.rows() == null
              ? null
              : new Examination(source.rows(), batchSize, timedCalls, nanoClock);
      Observations observations = observe(examination, engine);
      return report(new Run(observations, examination, engine), engine);
    }
  }

  private Observations observe(@Nullable Examination examination, Engine engine) {
    if (examination == null) {
      return new Observations(Objects.requireNonNull(source.outcomes()), Speed.NONE);
    }
    if (source.predictor() != null) {
      return examination.observe(source.predictor(), listener);
    }
    try (Predictor predictor = engine.predictor(Objects.requireNonNull(source.model()))) {
      return examination.observe(predictor, listener);
    }
  }

  private EvaluationReport report(Run run, Engine engine) {
    Observations observations = run.observations;
    List<Metric> chosen =
        metrics.isEmpty() ? DefaultMetrics.of(subject.task(), observations) : metrics;
    List<MetricValue> values = Bootstrap.measure(chosen, observations, run.sampling());
    values.forEach(value -> run.measured.put(value.name(), value));
    List<GateDecision> decisions = new ArrayList<>();
    gates.forEach(gate -> decisions.add(gate.decide(run)));
    return EvaluationReport.builder(
            subject,
            source.test(),
            clock.instant(),
            run.sampling(),
            DetailsOf.outcomes(observations.outcomes(), run.sampling()))
        .metrics(values)
        .decisions(decisions)
        .hardest(DetailsOf.hardest(observations.outcomes()))
        .history(history)
        .environment(engine.environment())
        .outcomes(observations.outcomes())
        .build();
  }

  /** What the gates see. */
  private final class Run implements TestRun {
    private final Observations observations;
    private final @Nullable Examination examination;
    private final Engine engine;
    private final Map<String, MetricValue> measured = new HashMap<>();

    Run(Observations observations, @Nullable Examination examination, Engine engine) {
      this.observations = observations;
      this.examination = examination;
      this.engine = engine;
    }

    @Override
    public TestSet test() {
      return source.test();
    }

    @Override
    public Sampling sampling() {
      return new Sampling(resamples, confidence, seed);
    }

    @Override
    public Outcomes outcomes() {
      return observations.outcomes();
    }

    @Override
    public MetricValue measure(Metric metric) {
      return measured.computeIfAbsent(
          metric.name(),
          name -> Bootstrap.measure(List.of(metric), observations, sampling()).get(0));
    }

    @Override
    public Outcomes outcomesOf(ModelArtifact other) {
      Examination rows = rows();
      try (Predictor predictor = engine.predictor(other)) {
        return rows.outcomes(predictor);
      }
    }

    @Override
    public Outcomes outcomesOf(Predictor other) {
      return rows().outcomes(other);
    }

    private Examination rows() {
      if (examination == null) {
        throw new UnsupportedException(
            "a champion cannot predict rows that this evaluation does not have",
            "Give the champion's report, or evaluate a model instead of ready outcomes");
      }
      return examination;
    }
  }
}
