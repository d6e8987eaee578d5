package io.athanor.pipeline;

import static io.athanor.eval.Metrics.accuracy;
import static io.athanor.eval.Metrics.mae;
import static io.athanor.eval.Metrics.noWorseThan;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.data.Row;
import io.athanor.api.data.Rows;
import io.athanor.api.data.Task;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.Estimate;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import io.athanor.eval.Evaluation;
import io.athanor.eval.metric.Bootstrap;
import io.athanor.eval.metric.Gate;
import io.athanor.eval.metric.OutcomeMetric;
import io.athanor.eval.metric.Statistic;
import io.athanor.pipeline.CompressionReport.BeforeAfter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Holds a compressed model against the one it was made from: size, latency and quality, each with
 * its interval, and gates that decide whether the price is low enough. Nothing is registered or
 * changed by it. Not thread-safe.
 *
 * <pre>{@code
 * CompressionReport report = Compression.of(model, Quantization.int8().of(model), mail.test())
 *     .gate(noWorseThan(model).margin(0.01))
 *     .run();
 * if (report.passed()) {
 *   registry.register("spam-filter", small, report.after());
 * }
 * }</pre>
 */
public final class Compression {
  private static final int WARM_UP = 10;

  private final ModelArtifact before;
  private final ModelArtifact after;
  private final Rows test;
  private final List<OutcomeMetric> metrics = new ArrayList<>();
  private final List<Gate> gates = new ArrayList<>();
  private @Nullable Backend backend;
  private int timedCalls = 200;
  private LongSupplier nanoClock = System::nanoTime;

  private Compression(ModelArtifact before, ModelArtifact after, Rows test) {
    this.before = before;
    this.after = after;
    this.test = test;
  }

  /**
   * Of two models for the same task.
   *
   * @param before the model as it was, or the teacher
   * @param after the compressed one, or the student
   * @param test rows that neither learned from, target included
   * @throws ValidationException if the models are for different tasks
   */
  public static Compression of(ModelArtifact before, ModelArtifact after, Rows test) {
    if (!before.task().equals(after.task())) {
      throw new ValidationException(
          "compression",
          List.of("the models are for different tasks: " + before.task() + ", " + after.task()));
    }
    return new Compression(before, after, test);
  }

  /** What to compare; the accuracy of classifiers and the mean absolute error otherwise. */
  public Compression metrics(OutcomeMetric... chosen) {
    metrics.addAll(List.of(chosen));
    return this;
  }

  /**
   * What the compressed model must meet, besides the conditions of earlier calls. Without any, it
   * must not be proven worse than the model as it was.
   */
  public Compression gate(Gate... conditions) {
    gates.addAll(List.of(conditions));
    return this;
  }

  /** The backend to predict on, which stays open; without it, the only one on the class path. */
  public Compression backend(Backend opened) {
    this.backend = opened;
    return this;
  }

  /**
   * Predictions of one row to time on each model, in turns; 200 unless set.
   *
   * @param calls at least 1
   */
  public Compression timedCalls(int calls) {
    if (calls < 1) {
      throw new IllegalArgumentException("timedCalls must be at least 1, got " + calls);
    }
    this.timedCalls = calls;
    return this;
  }

  /** The clock for latency, in nanoseconds. */
  public Compression nanoClock(LongSupplier nanos) {
    this.nanoClock = nanos;
    return this;
  }

  /**
   * Predicts, measures and decides. Writes both models to a temporary folder to weigh them.
   *
   * @throws StorageException if there is no room for that
   * @throws io.athanor.api.error.AthanorException as {@link Evaluation#run()} does
   */
  public CompressionReport run() {
    if (backend != null) {
      return run(backend);
    }
    try (Backend opened = Backends.installed().only().open(BackendOptions.defaults())) {
      return run(opened);
    }
  }

  private CompressionReport run(Backend engine) {
    List<OutcomeMetric> chosen = metrics.isEmpty() ? List.of(standard()) : metrics;
    EvaluationReport old = evaluate(before, chosen, List.of(), engine);
    List<Gate> conditions = gates.isEmpty() ? List.of(noWorseThan(old)) : gates;
    EvaluationReport compressed = evaluate(after, chosen, conditions, engine);
    List<CompressionReport.Change> changes = new ArrayList<>();
    for (OutcomeMetric metric : chosen) {
      changes.add(
          new CompressionReport.Change(
              old.metric(metric.name()),
              compressed.metric(metric.name()),
              difference(metric, old, compressed)));
    }
    Latencies latencies = time(engine);
    Sampling sampling = compressed.sampling();
    return new CompressionReport(
        new BeforeAfter<>(bytes(before), bytes(after)),
        latencies.medians(sampling),
        latencies.speedup(sampling),
        old,
        compressed,
        changes);
  }

  private OutcomeMetric standard() {
    return before.task() instanceof Task.Classification ? accuracy() : mae();
  }

  private EvaluationReport evaluate(
      ModelArtifact model, List<OutcomeMetric> chosen, List<Gate> conditions, Backend engine) {
    return Evaluation.of(model, test)
        .metrics(chosen.toArray(OutcomeMetric[]::new))
        .gate(conditions.toArray(Gate[]::new))
        .timedCalls(0)
        .backend(engine)
        .run();
  }

  private static Optional<Estimate> difference(
      OutcomeMetric metric, EvaluationReport before, EvaluationReport after) {
    Statistic old = metric.statistic(outcomes(before));
    Statistic compressed = metric.statistic(outcomes(after));
    int[] ones = Bootstrap.ones(old.units());
    double value = compressed.value(ones) - old.value(ones);
    if (Double.isNaN(value)) {
      return Optional.empty();
    }
    double[] replicates =
        Bootstrap.replicates(
            old.units(),
            1,
            after.sampling(),
            (weights, results) -> results[0] = compressed.value(weights) - old.value(weights))[0];
    return Optional.of(Bootstrap.estimate(value, replicates, after.sampling().confidence()));
  }

  private static Outcomes outcomes(EvaluationReport report) {
    return report.outcomes().orElseThrow();
  }

  /** Single rows, each by both models, which take turns in going first. */
  private Latencies time(Backend engine) {
    double[] old = new double[timedCalls];
    double[] compressed = new double[timedCalls];
    try (Predictor first = Predictor.of(before, engine);
        Predictor second = Predictor.of(after, engine)) {
      for (int i = -WARM_UP; i < timedCalls; i++) {
        Row row = features(Math.floorMod(i, test.size()));
        boolean turn = i % 2 == 0;
        double one = milliseconds(turn ? first : second, row);
        double other = milliseconds(turn ? second : first, row);
        if (i >= 0) {
          old[i] = turn ? one : other;
          compressed[i] = turn ? other : one;
        }
      }
    }
    return new Latencies(old, compressed);
  }

  private double milliseconds(Predictor predictor, Row row) {
    long begin = nanoClock.getAsLong();
    predictor.predict(row);
    return (nanoClock.getAsLong() - begin) / 1e6;
  }

  private Row features(long index) {
    Row row = test.row(index);
    Map<String, Object> cells = new LinkedHashMap<>();
    for (String column : row.columns()) {
      Object cell = row.cell(column);
      if (cell != null && !column.equals(before.task().target())) {
        cells.put(column, cell);
      }
    }
    return Row.of(cells);
  }

  /** Milliseconds of both models, row by row. */
  private static final class Latencies {
    private final double[] before;
    private final double[] after;

    Latencies(double[] before, double[] after) {
      this.before = before;
      this.after = after;
    }

    BeforeAfter<Estimate> medians(Sampling sampling) {
      double[][] drawn = replicates(sampling);
      return new BeforeAfter<>(
          Bootstrap.estimate(median(before), drawn[0], sampling.confidence()),
          Bootstrap.estimate(median(after), drawn[1], sampling.confidence()));
    }

    Estimate speedup(Sampling sampling) {
      return Bootstrap.estimate(
          median(before) / median(after), replicates(sampling)[2], sampling.confidence());
    }

    private double[][] replicates(Sampling sampling) {
      return Bootstrap.replicates(
          before.length,
          3,
          sampling,
          (weights, results) -> {
            results[0] = median(drawn(before, weights));
            results[1] = median(drawn(after, weights));
            results[2] = results[0] / results[1];
          });
    }

    private static double[] drawn(double[] values, int[] weights) {
      double[] drawn = new double[values.length];
      int at = 0;
      for (int i = 0; i < values.length; i++) {
        for (int k = 0; k < weights[i]; k++) {
          drawn[at++] = values[i];
        }
      }
      return drawn;
    }

    private static double median(double[] values) {
      double[] sorted = values.clone();
      Arrays.sort(sorted);
      int middle = sorted.length / 2;
      return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
  }

  /** Of all files that hold a model. */
  private static long bytes(ModelArtifact model) {
    try {
      Path folder = Files.createTempDirectory("athanor-compression");
      try {
        ArtifactFolder.write(model, folder.resolve("model"));
        try (Stream<Path> files = Files.walk(folder)) {
          return files.filter(Files::isRegularFile).mapToLong(Compression::size).sum();
        }
      } finally {
        AtomicFolder.delete(folder);
      }
    } catch (IOException | UncheckedIOException e) {
      throw new StorageException(
          System.getProperty("java.io.tmpdir"), "a model cannot be weighed there (" + e + ")", e);
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
