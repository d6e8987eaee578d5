package io.athanor.eval;

import io.athanor.api.eval.Details;
import io.athanor.api.eval.Details.ClassScore;
import io.athanor.api.eval.Details.Curve;
import io.athanor.api.eval.Details.HistogramBin;
import io.athanor.api.eval.Details.Point;
import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.api.eval.HardRow;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.eval.Outcomes.Labels;
import io.athanor.api.eval.Outcomes.Quantities;
import io.athanor.eval.metric.AreaMetric;
import io.athanor.eval.metric.Bootstrap;
import io.athanor.eval.metric.CalibrationError;
import io.athanor.eval.metric.Counts;
import io.athanor.eval.metric.Numbers;
import io.athanor.eval.metric.Positive;
import io.athanor.eval.metric.Ranking;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Works out the tables and curves of a report. */
final class DetailsOf {
  private static final int HARDEST = 20;
  private static final int CURVE_POINTS = 200;
  private static final int SCATTER_POINTS = 500;
  private static final int HISTOGRAM_BINS = 21;

  private DetailsOf() {}

  static Details outcomes(Outcomes outcomes, Sampling sampling) {
    return outcomes instanceof Labels labels
        ? classification(labels, sampling)
        : regression((Quantities) outcomes);
  }

  /** The confidently wrong rows, or those of the largest error. */
  static List<HardRow> hardest(Outcomes outcomes) {
    if (outcomes instanceof Labels labels) {
      return IntStream.range(0, labels.rows())
          .filter(row -> !labels.correct(row))
          .boxed()
          .sorted(Comparator.<Integer>comparingDouble(labels::confidence).reversed())
          .limit(HARDEST)
          .map(
              row ->
                  new HardRow(
                      row,
                      labels.labels().get(labels.actual(row)),
                      labels.labels().get(labels.predicted(row)),
                      labels.confidence(row)))
          .toList();
    }
    Quantities quantities = (Quantities) outcomes;
    return IntStream.range(0, quantities.rows())
        .boxed()
        .sorted(Comparator.<Integer>comparingDouble(row -> error(quantities, row)).reversed())
        .limit(HARDEST)
        .map(
            row ->
                new HardRow(
                    row,
                    Numbers.brief(quantities.actual(row)),
                    Numbers.brief(quantities.predicted(row)),
                    error(quantities, row)))
        .toList();
  }

  private static double error(Quantities quantities, int row) {
    return Math.abs(quantities.predicted(row) - quantities.actual(row));
  }

  private static Details classification(Labels outcomes, Sampling sampling) {
    int size = outcomes.labels().size();
    int[] ones = Bootstrap.ones(outcomes.rows());
    Counts counts = new Counts(outcomes);
    counts.count(ones);
    List<Curve> roc = new ArrayList<>();
    List<Curve> precisionRecall = new ArrayList<>();
    int[] positives =
        size == 2 ? new int[] {Positive.rarer(outcomes)} : IntStream.range(0, size).toArray();
    for (int label : positives) {
      String name = outcomes.labels().get(label);
      Ranking ranking = new Ranking(outcomes, label);
      long all = counts.support(label);
      long others = outcomes.rows() - all;
      if (all > 0 && others > 0) {
        roc.add(new Curve(name, rocPoints(ranking, ones, all, others), area(outcomes, name, true)));
      }
      if (all > 0) {
        precisionRecall.add(
            new Curve(name, precisionPoints(ranking, ones, all), area(outcomes, name, false)));
      }
    }
    return new Details.Classification(
        confusion(outcomes),
        classScores(outcomes, sampling),
        CalibrationError.bins(outcomes),
        roc,
        precisionRecall);
  }

  private static Details.ConfusionMatrix confusion(Labels outcomes) {
    int size = outcomes.labels().size();
    long[][] cells = new long[size][size];
    for (int row = 0; row < outcomes.rows(); row++) {
      cells[outcomes.actual(row)][outcomes.predicted(row)]++;
    }
    return new Details.ConfusionMatrix(
        outcomes.labels(),
        Arrays.stream(cells).map(row -> Arrays.stream(row).boxed().toList()).toList());
  }

  private static Optional<Double> area(Labels outcomes, String label, boolean roc) {
    AreaMetric metric =
        new AreaMetric(roc ? AreaMetric.Curve.ROC : AreaMetric.Curve.PRECISION_RECALL).of(label);
    double area = metric.statistic(outcomes).value(Bootstrap.ones(outcomes.rows()));
    return Double.isNaN(area) ? Optional.empty() : Optional.of(area);
  }

  private static List<ClassScore> classScores(Labels outcomes, Sampling sampling) {
    int size = outcomes.labels().size();
    Counts counts = new Counts(outcomes);
    double[][] replicates =
        Bootstrap.replicates(
            outcomes.rows(),
            3 * size,
            sampling,
            (weights, results) -> {
              counts.count(weights);
              for (int label = 0; label < size; label++) {
                results[3 * label] = counts.precision(label);
                results[3 * label + 1] = counts.recall(label);
                results[3 * label + 2] = counts.f1(label);
              }
            });
    counts.count(Bootstrap.ones(outcomes.rows()));
    List<ClassScore> scores = new ArrayList<>();
    double confidence = sampling.confidence();
    for (int label = 0; label < size; label++) {
      scores.add(
          new ClassScore(
              outcomes.labels().get(label),
              counts.support(label),
              counts.predicted(label),
              Bootstrap.estimate(counts.precision(label), replicates[3 * label], confidence),
              Bootstrap.estimate(counts.recall(label), replicates[3 * label + 1], confidence),
              Bootstrap.estimate(counts.f1(label), replicates[3 * label + 2], confidence)));
    }
    return scores;
  }

  private static List<Point> rocPoints(Ranking ranking, int[] ones, long all, long others) {
    List<Point> points = new ArrayList<>();
    points.add(new Point(0, 0));
    ranking.walk(ones, (tp, fp) -> points.add(new Point((double) fp / others, (double) tp / all)));
    return thinned(points);
  }

  private static List<Point> precisionPoints(Ranking ranking, int[] ones, long all) {
    List<Point> points = new ArrayList<>();
    ranking.walk(
        ones, (tp, fp) -> points.add(new Point((double) tp / all, (double) tp / (tp + fp))));
    points.add(0, new Point(0, points.get(0).y()));
    return thinned(points);
  }

  /** Keeps the first and the last point and evenly spaced ones between. */
  private static List<Point> thinned(List<Point> points) {
    if (points.size() <= CURVE_POINTS) {
      return points;
    }
    return IntStream.range(0, CURVE_POINTS)
        .mapToObj(i -> points.get((int) ((long) i * (points.size() - 1) / (CURVE_POINTS - 1))))
        .toList();
  }

  private static Details regression(Quantities outcomes) {
    int rows = outcomes.rows();
    int shown = Math.min(rows, SCATTER_POINTS);
    List<Point> scatter =
        IntStream.range(0, shown)
            .map(i -> (int) ((long) i * rows / shown))
            .mapToObj(row -> new Point(outcomes.actual(row), outcomes.predicted(row)))
            .toList();
    double largest = IntStream.range(0, rows).mapToDouble(r -> error(outcomes, r)).max().orElse(0);
    double width = largest == 0 ? 1 : 2 * largest / HISTOGRAM_BINS;
    long[] counts = new long[HISTOGRAM_BINS];
    double low = -width * HISTOGRAM_BINS / 2;
    for (int row = 0; row < rows; row++) {
      double residual = outcomes.predicted(row) - outcomes.actual(row);
      int bin = (int) Math.floor((residual - low) / width);
      counts[Math.min(Math.max(bin, 0), HISTOGRAM_BINS - 1)]++;
    }
    List<HistogramBin> bins = new ArrayList<>();
    for (int bin = 0; bin < HISTOGRAM_BINS; bin++) {
      bins.add(new HistogramBin(low + bin * width, low + (bin + 1) * width, counts[bin]));
    }
    return new Details.Regression(scatter, bins);
  }
}
