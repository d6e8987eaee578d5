package io.athanor.api.eval;

import io.athanor.api.common.Digest;
import java.util.Optional;

/** The numbers a gate's decision rests on. */
public sealed interface Evidence {
  /**
   * A metric beside its threshold.
   *
   * @param metric name of the metric
   * @param observed absent where the metric is undefined
   * @param threshold what was asked for
   * @param bound which number was held against the threshold
   * @param rows number of test rows
   */
  record Threshold(
      String metric, Optional<Estimate> observed, double threshold, Bound bound, long rows)
      implements Evidence {
    /** Which number is held against a threshold. */
    public enum Bound {
      /** The measured number itself. */
      VALUE,
      /** The end of the confidence interval that is nearer to failing. */
      INTERVAL
    }
  }

  /**
   * Two models on the same rows.
   *
   * @param metric name of the metric
   * @param method {@code "McNemar exact"} or {@code "paired bootstrap"}
   * @param challenger the metric of the model under evaluation
   * @param champion the metric of the model it is held against
   * @param difference challenger against champion, above 0 where the challenger is better, with its
   *     paired bootstrap interval at level {@code 1 - 2 * significance}
   * @param margin how much worse is allowed, at least 0
   * @param pValue of the one-sided test that the decision rests on
   * @param significance the test's level
   * @param smallestLoss the true loss that this test would have noticed four times out of five
   * @param discordant on how many rows only one of the two is right; present for labels
   * @param rows number of test rows
   * @param championWeights which model was the champion, where known
   */
  record Comparison(
      String metric,
      String method,
      double challenger,
      double champion,
      Estimate difference,
      double margin,
      double pValue,
      double significance,
      double smallestLoss,
      Optional<Discordant> discordant,
      long rows,
      Optional<Digest> championWeights)
      implements Evidence {}

  /**
   * Rows that tell two classifiers apart.
   *
   * @param onlyChampionRight rows the champion has right and the challenger wrong
   * @param onlyChallengerRight rows the challenger has right and the champion wrong
   */
  record Discordant(long onlyChampionRight, long onlyChallengerRight) {}

  /**
   * No numbers, and why.
   *
   * @param reason a sentence
   */
  record None(String reason) implements Evidence {}
}
