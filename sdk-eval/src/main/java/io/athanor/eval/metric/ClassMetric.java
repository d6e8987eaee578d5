package io.athanor.eval.metric;

import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Precision, recall or F1. As it comes, it is that of the rarer label in the test rows where there
 * are two labels (spam among ham), and the macro average where there are more; {@link #of}, {@link
 * #macro} and {@link #micro} leave no doubt. Where a denominator is 0, the value is 0, as in
 * scikit-learn, and the note says so.
 */
public final class ClassMetric implements OutcomeMetric {
  /** Which number. */
  public enum Kind {
    PRECISION("Precision"),
    RECALL("Recall"),
    F1("F1");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    double of(Counts counts, int label) {
      if (this == PRECISION) {
        return counts.precision(label);
      }
      return this == RECALL ? counts.recall(label) : counts.f1(label);
    }
  }

  private enum Average {
    BY_TASK,
    LABEL,
    MACRO,
    MICRO
  }

  private final Kind kind;
  private final Average average;
  private final String label;

  public ClassMetric(Kind kind) {
    this(kind, Average.BY_TASK, "");
  }

  private ClassMetric(Kind kind, Average average, String label) {
    this.kind = kind;
    this.average = average;
    this.label = label;
  }

  /** That of one label against the rest. */
  public ClassMetric of(String oneLabel) {
    return new ClassMetric(kind, Average.LABEL, oneLabel);
  }

  /** The plain mean over the labels that occur, actual or predicted. */
  public ClassMetric macro() {
    return new ClassMetric(kind, Average.MACRO, "");
  }

  /** From the sums over all labels; equals accuracy, since every row has one label. */
  public ClassMetric micro() {
    return new ClassMetric(kind, Average.MICRO, "");
  }

  @Override
  public String name() {
    String name = kind.name().toLowerCase(Locale.ROOT);
    return switch (average) {
      case BY_TASK -> name;
      case LABEL -> name + "[" + label + "]";
      case MACRO -> name + ".macro";
      case MICRO -> name + ".micro";
    };
  }

  @Override
  public MetricValue.Better better() {
    return MetricValue.Better.HIGHER;
  }

  @Override
  public Statistic statistic(Outcomes outcomes) {
    Outcomes.Labels labels = Observations.labels(outcomes, name());
    Counts template = new Counts(labels);
    int size = labels.labels().size();
    if (average == Average.MICRO) {
      return new Statistic(
          kind.title + ", micro",
          "",
          labels.rows(),
          weights -> {
            Counts counts = template.fresh();
            counts.count(weights);
            return counts.accuracy();
          });
    }
    if (average == Average.MACRO || (average == Average.BY_TASK && size > 2)) {
      return new Statistic(
          kind.title + ", macro",
          zeroes(template, labels, IntStream.range(0, size).toArray()),
          labels.rows(),
          weights -> macro(template, size, weights));
    }
    int positive =
        average == Average.LABEL ? Positive.index(labels, label) : Positive.rarer(labels);
    return new Statistic(
        kind.title + " of '" + labels.labels().get(positive) + "'",
        zeroes(template, labels, positive),
        labels.rows(),
        weights -> {
          Counts counts = template.fresh();
          counts.count(weights);
          return kind.of(counts, positive);
        });
  }

  private double macro(Counts template, int size, int[] weights) {
    Counts counts = template.fresh();
    counts.count(weights);
    double sum = 0;
    int occurring = 0;
    for (int i = 0; i < size; i++) {
      if (counts.occurs(i)) {
        sum += kind.of(counts, i);
        occurring++;
      }
    }
    return sum / occurring;
  }

  private String zeroes(Counts template, Outcomes.Labels labels, int... which) {
    Counts counts = template.fresh();
    counts.count(Bootstrap.ones(labels.rows()));
    StringBuilder note = new StringBuilder();
    for (int i : which) {
      if (kind != Kind.RECALL && counts.predicted(i) == 0 && counts.support(i) > 0) {
        note.append("'").append(labels.labels().get(i)).append("' was never predicted; counts 0. ");
      } else if (kind != Kind.PRECISION && counts.support(i) == 0 && counts.predicted(i) > 0) {
        note.append("No test row is '").append(labels.labels().get(i)).append("'; counts 0. ");
      } else if (which.length == 1 && !counts.occurs(i)) {
        note.append("'").append(labels.labels().get(i)).append("' does not occur; counts 0. ");
      }
    }
    return note.toString().strip();
  }
}
