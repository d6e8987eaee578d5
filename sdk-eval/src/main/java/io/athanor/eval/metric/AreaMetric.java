package io.athanor.eval.metric;

import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Area under the ROC curve, or under the precision-recall curve taken as average precision. With
 * two labels the positive one is the rarer in the test rows; with more, each label against the rest
 * and the plain mean over labels (macro). Labels for which the test rows are all alike are left out
 * of the mean; where none remains the metric is undefined.
 */
public final class AreaMetric implements OutcomeMetric {
  /** Which curve. */
  public enum Curve {
    ROC("roc-auc", "ROC AUC"),
    PRECISION_RECALL("pr-auc", "PR AUC (average precision)");

    private final String name;
    private final String title;

    Curve(String name, String title) {
      this.name = name;
      this.title = title;
    }

    double area(Ranking ranking, int[] weights) {
      return this == ROC ? ranking.rocArea(weights) : ranking.averagePrecision(weights);
    }
  }

  private final Curve curve;
  private final Optional<String> label;

  public AreaMetric(Curve curve) {
    this(curve, Optional.empty());
  }

  private AreaMetric(Curve curve, Optional<String> label) {
    this.curve = curve;
    this.label = label;
  }

  /** That of one label against the rest. */
  public AreaMetric of(String oneLabel) {
    return new AreaMetric(curve, Optional.of(oneLabel));
  }

  @Override
  public String name() {
    return curve.name + label.map(l -> "[" + l + "]").orElse("");
  }

  @Override
  public MetricValue.Better better() {
    return MetricValue.Better.HIGHER;
  }

  @Override
  public Statistic statistic(Outcomes outcomes) {
    Outcomes.Labels labels = Observations.labels(outcomes, name());
    List<Integer> which = new ArrayList<>();
    if (label.isPresent()) {
      which.add(Positive.index(labels, label.get()));
    } else if (labels.labels().size() == 2) {
      which.add(Positive.rarer(labels));
    } else {
      for (int i = 0; i < labels.labels().size(); i++) {
        which.add(i);
      }
    }
    List<Ranking> rankings = which.stream().map(i -> new Ranking(labels, i)).toList();
    String about =
        which.size() == 1 ? " of '" + labels.labels().get(which.get(0)) + "'" : ", macro";
    return new Statistic(
        curve.title + about,
        leftOut(labels, which, rankings),
        labels.rows(),
        which.size() == 1
            ? "no test row, or every one, is '" + labels.labels().get(which.get(0)) + "'"
            : "all test rows have the same label",
        weights -> mean(rankings, weights));
  }

  private double mean(List<Ranking> rankings, int[] weights) {
    double sum = 0;
    int defined = 0;
    for (Ranking ranking : rankings) {
      double area = curve.area(ranking, weights);
      if (!Double.isNaN(area)) {
        sum += area;
        defined++;
      }
    }
    return sum / defined;
  }

  private String leftOut(Outcomes.Labels labels, List<Integer> which, List<Ranking> rankings) {
    int[] ones = Bootstrap.ones(labels.rows());
    List<String> absent = new ArrayList<>();
    for (int k = 0; k < rankings.size(); k++) {
      if (Double.isNaN(curve.area(rankings.get(k), ones))) {
        absent.add("'" + labels.labels().get(which.get(k)) + "'");
      }
    }
    return absent.isEmpty()
        ? ""
        : "Left out, since no test row has them: " + String.join(", ", absent) + ".";
  }
}
