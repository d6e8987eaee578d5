package io.athanor.eval.metric;

import io.athanor.api.eval.Outcomes.Labels;
import java.util.Arrays;

/**
 * Rows sorted by the probability of one label, highest first, so that areas under curves take one
 * pass for any weights. Rows of equal probability form one group. Immutable.
 */
public final class Ranking {
  private final int[] order;
  private final boolean[] positive;
  private final boolean[] endsGroup;

  public Ranking(Labels outcomes, int label) {
    int rows = outcomes.rows();
    long[] keys = new long[rows];
    for (int row = 0; row < rows; row++) {
      int bits = Float.floatToIntBits((float) outcomes.probability(row, label) + 0f);
      keys[row] = ((long) -bits << 32) | row;
    }
    Arrays.sort(keys);
    order = new int[rows];
    positive = new boolean[rows];
    endsGroup = new boolean[rows];
    for (int i = 0; i < rows; i++) {
      order[i] = (int) keys[i];
      positive[i] = outcomes.actual(order[i]) == label;
      endsGroup[i] = i == rows - 1 || keys[i] >> 32 != keys[i + 1] >> 32;
    }
  }

  /** What a walk down the ranking meets at each group of equal probability. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * @param truePositives rows so far that have the label
     * @param falsePositives rows so far that have not
     */
    void group(long truePositives, long falsePositives);
  }

  /** Walks from the highest probability to the lowest; groups of no weight are passed over. */
  public void walk(int[] weights, Visitor visitor) {
    long truePositives = 0;
    long falsePositives = 0;
    long before = 0;
    for (int i = 0; i < order.length; i++) {
      int weight = weights[order[i]];
      if (positive[i]) {
        truePositives += weight;
      } else {
        falsePositives += weight;
      }
      if (endsGroup[i] && truePositives + falsePositives > before) {
        visitor.group(truePositives, falsePositives);
        before = truePositives + falsePositives;
      }
    }
  }

  // The two areas repeat the loop of walk: through a visitor the bootstrap takes twice as long.

  /** The probability that a positive row ranks above a negative one, ties counting half. */
  double rocArea(int[] weights) {
    double area = 0;
    long truePositives = 0;
    long falsePositives = 0;
    long tp = 0;
    long fp = 0;
    for (int i = 0; i < order.length; i++) {
      int weight = weights[order[i]];
      if (positive[i]) {
        tp += weight;
      } else {
        fp += weight;
      }
      if (endsGroup[i]) {
        area += (fp - falsePositives) * ((truePositives + tp) / 2.0);
        truePositives = tp;
        falsePositives = fp;
      }
    }
    return tp == 0 || fp == 0 ? Double.NaN : area / ((double) tp * fp);
  }

  /** Precision averaged over the steps of recall, without interpolation. */
  double averagePrecision(int[] weights) {
    double sum = 0;
    long before = 0;
    long tp = 0;
    long fp = 0;
    for (int i = 0; i < order.length; i++) {
      int weight = weights[order[i]];
      if (positive[i]) {
        tp += weight;
      } else {
        fp += weight;
      }
      if (endsGroup[i] && tp > before) {
        sum += (tp - before) * ((double) tp / (tp + fp));
        before = tp;
      }
    }
    return tp == 0 ? Double.NaN : sum / tp;
  }
}
