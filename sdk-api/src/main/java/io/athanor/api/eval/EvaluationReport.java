package io.athanor.api.eval;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Task;
import io.athanor.api.error.NotFoundException;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What an evaluation found. Immutable and thread-safe; as JSON by {@link ReportJson}. */
public final class EvaluationReport {
  private final Subject subject;
  private final TestSet test;
  private final Instant created;
  private final Sampling sampling;
  private final List<MetricValue> metrics;
  private final List<GateDecision> decisions;
  private final Details details;
  private final List<HardRow> hardest;
  private final Curves history;
  private final Map<String, String> environment;
  private final Optional<Outcomes> outcomes;

  private EvaluationReport(Builder builder) {
    this.subject = builder.subject;
    this.test = builder.test;
    this.created = builder.created;
    this.sampling = builder.sampling;
    this.metrics = builder.metrics;
    this.decisions = builder.decisions;
    this.details = builder.details;
    this.hardest = builder.hardest;
    this.history = builder.history;
    this.environment = builder.environment;
    this.outcomes = builder.outcomes;
  }

  /**
   * The model that was evaluated.
   *
   * @param architecture its name; empty where only a predictor was given
   * @param weights digest of its weights; absent where only a predictor was given
   * @param task what it predicts
   */
  public record Subject(String architecture, Optional<Digest> weights, Task task) {}

  /**
   * The rows it was evaluated on.
   *
   * @param fingerprint digest of their content; reports of equal fingerprints can be compared
   * @param rows how many, at least 1
   */
  public record TestSet(Digest fingerprint, long rows) {
    public TestSet {
      if (rows < 1) {
        throw new IllegalArgumentException("rows must be at least 1, got " + rows);
      }
    }
  }

  /**
   * How the intervals were made.
   *
   * @param resamples number of bootstrap resamples
   * @param confidence level of the intervals, in (0, 1)
   * @param seed of the resampling
   */
  public record Sampling(int resamples, double confidence, long seed) {}

  /** Begins a report. */
  public static Builder builder(
      Subject subject, TestSet test, Instant created, Sampling sampling, Details details) {
    return new Builder(subject, test, created, sampling, details);
  }

  /** Collects the parts of a report. Not thread-safe. */
  public static final class Builder {
    private final Subject subject;
    private final TestSet test;
    private final Instant created;
    private final Sampling sampling;
    private final Details details;
    private List<MetricValue> metrics = List.of();
    private List<GateDecision> decisions = List.of();
    private List<HardRow> hardest = List.of();
    private Curves history = Curves.NONE;
    private Map<String, String> environment = Map.of();
    private Optional<Outcomes> outcomes = Optional.empty();

    private Builder(
        Subject subject, TestSet test, Instant created, Sampling sampling, Details details) {
      this.subject = subject;
      this.test = test;
      this.created = created;
      this.sampling = sampling;
      this.details = details;
    }

    /** The metrics, in the order of the report. */
    public Builder metrics(List<MetricValue> values) {
      this.metrics = List.copyOf(values);
      return this;
    }

    /** What the gates decided, in their order. */
    public Builder decisions(List<GateDecision> values) {
      this.decisions = List.copyOf(values);
      return this;
    }

    /** The rows it got worst, worst first. */
    public Builder hardest(List<HardRow> rows) {
      this.hardest = List.copyOf(rows);
      return this;
    }

    /** What training reported. */
    public Builder history(Curves curves) {
      this.history = curves;
      return this;
    }

    /** Library, backend, JVM, operating system. */
    public Builder environment(Map<String, String> facts) {
      this.environment = Collections.unmodifiableMap(new TreeMap<>(facts));
      return this;
    }

    /** Every row's outcome, for paired tests. */
    public Builder outcomes(Outcomes rows) {
      if (rows.rows() != test.rows()) {
        throw new IllegalArgumentException(
            "outcomes must hold " + test.rows() + " rows, got " + rows.rows());
      }
      this.outcomes = Optional.of(rows);
      return this;
    }

    /** The report. */
    public EvaluationReport build() {
      return new EvaluationReport(this);
    }
  }

  /** Whether every gate passed; true without gates. */
  public boolean passed() {
    return decisions.stream().allMatch(d -> d.kind() == GateDecision.Kind.PASSED);
  }

  /**
   * The metric of this name.
   *
   * @throws NotFoundException if it was not measured; lists those that were
   */
  public MetricValue metric(String name) {
    return metrics.stream()
        .filter(m -> m.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new NotFoundException(
                    "metric '" + name + "' in the report",
                    metrics.stream().map(MetricValue::name).toList(),
                    "Ask for it with Evaluation.metrics(..)"));
  }

  public Subject subject() {
    return subject;
  }

  public TestSet test() {
    return test;
  }

  public Instant created() {
    return created;
  }

  public Sampling sampling() {
    return sampling;
  }

  public List<MetricValue> metrics() {
    return metrics;
  }

  public List<GateDecision> decisions() {
    return decisions;
  }

  public Details details() {
    return details;
  }

  /** The rows it got worst, worst first. */
  public List<HardRow> hardest() {
    return hardest;
  }

  public Curves history() {
    return history;
  }

  /** Library, backend, JVM, operating system. */
  public Map<String, String> environment() {
    return environment;
  }

  /** Every row's outcome; absent where there were too many rows to keep. */
  public Optional<Outcomes> outcomes() {
    return outcomes;
  }
}
