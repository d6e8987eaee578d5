package io.athanor.api.eval;

import java.util.List;
import java.util.Optional;

/** What a report tells beyond its metrics, by task. */
public sealed interface Details {
  /**
   * Of a classifier.
   *
   * @param confusion actual against predicted labels
   * @param classes one for each label, in the model's order
   * @param calibration bins of confidence, lowest first
   * @param roc false against true positive rates, at most a few hundred points a curve; two labels
   *     have one curve, more have one for each label
   * @param precisionRecall recall against precision, likewise
   */
  record Classification(
      ConfusionMatrix confusion,
      List<ClassScore> classes,
      List<CalibrationBin> calibration,
      List<Curve> roc,
      List<Curve> precisionRecall)
      implements Details {
    public Classification {
      classes = List.copyOf(classes);
      calibration = List.copyOf(calibration);
      roc = List.copyOf(roc);
      precisionRecall = List.copyOf(precisionRecall);
    }
  }

  /**
   * Of a regression.
   *
   * @param scatter actual (x) against predicted (y), a sample of at most a few hundred rows
   * @param residuals histogram of predicted minus actual
   */
  record Regression(List<Point> scatter, List<HistogramBin> residuals) implements Details {
    public Regression {
      scatter = List.copyOf(scatter);
      residuals = List.copyOf(residuals);
    }
  }

  /**
   * How often each label was predicted for each actual label.
   *
   * @param labels in the model's order
   * @param counts {@code counts[actual][predicted]}
   */
  record ConfusionMatrix(List<String> labels, List<List<Long>> counts) {
    public ConfusionMatrix {
      labels = List.copyOf(labels);
      counts = counts.stream().map(List::copyOf).toList();
      int size = labels.size();
      if (counts.size() != size || counts.stream().anyMatch(row -> row.size() != size)) {
        throw new IllegalArgumentException("counts must be " + size + " rows of " + size);
      }
    }

    /** The number of rows with this actual and this predicted label, by index. */
    public long count(int actual, int predicted) {
      return counts.get(actual).get(predicted);
    }
  }

  /**
   * One label against the rest.
   *
   * @param label the label
   * @param support rows that have it
   * @param predicted rows it was predicted for
   * @param precision 0 where it was never predicted
   * @param recall 0 where no row has it
   * @param f1 0 where neither
   */
  record ClassScore(
      String label,
      long support,
      long predicted,
      Estimate precision,
      Estimate recall,
      Estimate f1) {}

  /**
   * Rows whose confidence lies in {@code (low, high]}.
   *
   * @param low lower edge
   * @param high upper edge
   * @param count number of rows
   * @param confidence their mean confidence; 0 without rows
   * @param accuracy the share that is right; 0 without rows
   */
  record CalibrationBin(double low, double high, long count, double confidence, double accuracy) {}

  /**
   * A curve through points.
   *
   * @param label the label that counts as positive
   * @param points in drawing order
   * @param area the area the matching metric gives; absent where undefined
   */
  record Curve(String label, List<Point> points, Optional<Double> area) {
    public Curve {
      points = List.copyOf(points);
    }
  }

  /**
   * A point.
   *
   * @param x across
   * @param y up
   */
  record Point(double x, double y) {}

  /**
   * A bar of a histogram.
   *
   * @param low lower edge
   * @param high upper edge
   * @param count number of rows
   */
  record HistogramBin(double low, double high, long count) {}
}
