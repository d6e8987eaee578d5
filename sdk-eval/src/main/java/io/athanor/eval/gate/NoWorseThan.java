package io.athanor.eval.gate;

import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.Evidence;
import io.athanor.api.eval.Evidence.Discordant;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.MetricValue.Better;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import io.athanor.eval.metric.Accuracy;
import io.athanor.eval.metric.Bootstrap;
import io.athanor.eval.metric.ErrorMetric;
import io.athanor.eval.metric.Gate;
import io.athanor.eval.metric.Numbers;
import io.athanor.eval.metric.OutcomeMetric;
import io.athanor.eval.metric.Statistic;
import io.athanor.eval.metric.TestRun;
import java.util.Arrays;
import java.util.Optional;
import org.hipparchus.distribution.continuous.NormalDistribution;
import org.hipparchus.distribution.discrete.BinomialDistribution;

/**
 * A gate that holds a model against its champion, row by row.
 *
 * <p>Without a margin it fails a model that is proven worse: for classifiers by accuracy and
 * McNemar's exact test (1947) on the rows that only one of the two has right, else by the paired
 * bootstrap. A model as good as the champion fails by chance in at most about {@code significance}
 * of the evaluations; how small a loss the rows would have shown is part of the evidence. Rows so
 * few that the test could never fail are inconclusive.
 *
 * <p>With a margin it turns the burden of proof around (a non-inferiority test): it passes a model
 * that is proven to be worse by less than the margin, fails one proven worse by more, and is
 * inconclusive otherwise. A model worse by exactly the margin passes by chance in about {@code
 * significance} of the evaluations.
 */
public final class NoWorseThan implements Gate {
  private static final double SIGNIFICANCE = 0.05;
  private static final double POWER = 0.8;
  private static final int FEWEST_ROWS = 10;

  private final Optional<Champion> champion;
  private final Optional<OutcomeMetric> metric;
  private final double margin;
  private final double significance;

  private NoWorseThan(
      Optional<Champion> champion,
      Optional<OutcomeMetric> metric,
      double margin,
      double significance) {
    this.champion = champion;
    this.metric = metric;
    this.margin = margin;
    this.significance = significance;
  }

  private static NoWorseThan than(Optional<Champion> champion) {
    return new NoWorseThan(champion, Optional.empty(), 0, SIGNIFICANCE);
  }

  /** Held against a model, which is evaluated on the same rows. */
  public static NoWorseThan model(ModelArtifact champion) {
    return than(Optional.of(new Champion.Artifact(champion)));
  }

  /** Held against a model that is already running, which is evaluated on the same rows. */
  public static NoWorseThan predictor(Predictor champion) {
    return than(Optional.of(new Champion.Running(champion)));
  }

  /** Held against the outcomes in a report of the same rows. */
  public static NoWorseThan report(EvaluationReport champion) {
    return than(Optional.of(new Champion.Reported(champion)));
  }

  /** Held against nothing, because there is no champion yet; passes. */
  public static NoWorseThan nothing() {
    return than(Optional.empty());
  }

  /** Compares by this metric and the paired bootstrap. */
  public NoWorseThan by(OutcomeMetric chosen) {
    return new NoWorseThan(champion, Optional.of(chosen), margin, significance);
  }

  /**
   * Allows a loss below this, if the rows can prove it.
   *
   * @param allowed in the metric's own unit, above 0
   */
  public NoWorseThan margin(double allowed) {
    if (!(allowed > 0) || !Double.isFinite(allowed)) {
      throw new IllegalArgumentException("margin must be above 0 and finite, got " + allowed);
    }
    return new NoWorseThan(champion, metric, allowed, significance);
  }

  /**
   * The level of the one-sided test; 0.05 unless set.
   *
   * @param level in (0, 0.5)
   */
  public NoWorseThan significance(double level) {
    if (!(level > 0 && level < 0.5)) {
      throw new IllegalArgumentException("significance must be in (0, 0.5), got " + level);
    }
    return new NoWorseThan(champion, metric, margin, level);
  }

  @Override
  public GateDecision decide(TestRun run) {
    if (champion.isEmpty()) {
      String sentence = "There is no champion yet, so the model has nobody to be worse than.";
      return new GateDecision.Passed(
          "no worse than the champion", sentence, new Evidence.None(sentence));
    }
    Pair pair = Pair.of(run.outcomes(), champion.get().outcomes(run));
    boolean labels = pair.challenger() instanceof Outcomes.Labels;
    OutcomeMetric by =
        metric.orElseGet(() -> labels ? new Accuracy() : new ErrorMetric(ErrorMetric.Kind.MAE));
    String gate =
        "no worse than the champion by "
            + by.name()
            + (margin > 0 ? ", margin " + Numbers.plain(margin) : "");
    Statistic ours = by.statistic(pair.challenger());
    Statistic theirs = by.statistic(pair.champion());
    int[] ones = Bootstrap.ones(ours.units());
    double sign = by.better() == Better.HIGHER ? 1 : -1;
    double challengerValue = ours.value(ones);
    double championValue = theirs.value(ones);
    if (Double.isNaN(challengerValue) || Double.isNaN(championValue)) {
      String reason = ours.title() + " is undefined: " + ours.undefined() + ".";
      return new GateDecision.Inconclusive(gate, reason, new Evidence.None(reason));
    }
    double[] differences =
        Bootstrap.replicates(
            ours.units(),
            1,
            run.sampling(),
            (weights, results) ->
                results[0] = sign * (ours.value(weights) - theirs.value(weights)))[0];
    boolean mcNemar = metric.isEmpty() && labels && margin == 0;
    Optional<Discordant> discordant =
        labels
            ? Optional.of(
                discordant((Outcomes.Labels) pair.challenger(), (Outcomes.Labels) pair.champion()))
            : Optional.empty();
    double error =
        mcNemar ? Math.sqrt(discordantRows(discordant)) / ours.units() : deviation(differences);
    NormalDistribution normal = new NormalDistribution();
    Evidence.Comparison evidence =
        new Evidence.Comparison(
            by.name(),
            mcNemar ? "McNemar exact" : "paired bootstrap",
            challengerValue,
            championValue,
            Bootstrap.estimate(
                sign * (challengerValue - championValue), differences, 1 - 2 * significance),
            margin,
            mcNemar ? mcNemar(discordant.orElseThrow()) : bootstrapP(differences),
            significance,
            (normal.inverseCumulativeProbability(1 - significance)
                    + normal.inverseCumulativeProbability(POWER))
                * error,
            discordant,
            ours.units(),
            champion.get().weights());
    boolean tooFew =
        mcNemar ? Math.pow(0.5, ours.units()) > significance : ours.units() < FEWEST_ROWS;
    return Verdict.of(gate, ours.title(), evidence, tooFew);
  }

  private static Discordant discordant(Outcomes.Labels challenger, Outcomes.Labels champion) {
    long onlyChampion = 0;
    long onlyChallenger = 0;
    for (int row = 0; row < challenger.rows(); row++) {
      if (challenger.correct(row) != champion.correct(row)) {
        if (champion.correct(row)) {
          onlyChampion++;
        } else {
          onlyChallenger++;
        }
      }
    }
    return new Discordant(onlyChampion, onlyChallenger);
  }

  private static double discordantRows(Optional<Discordant> discordant) {
    return discordant.map(d -> d.onlyChampionRight() + d.onlyChallengerRight()).orElse(0L);
  }

  /** The chance of so many rows that only the champion has right, were both equally good. */
  static double mcNemar(Discordant rows) {
    long all = rows.onlyChampionRight() + rows.onlyChallengerRight();
    return all == 0
        ? 1
        : new BinomialDistribution(Math.toIntExact(all), 0.5)
            .cumulativeProbability((int) rows.onlyChallengerRight());
  }

  /**
   * The share of replicates on the wrong side: at least 0 without a margin (the null hypothesis is
   * "no worse"), at most minus the margin with one (the null hypothesis is "worse by the margin").
   * The observed data count as one replicate, so it is never 0.
   */
  private double bootstrapP(double[] differences) {
    double[] defined = Arrays.stream(differences).filter(d -> !Double.isNaN(d)).toArray();
    long against = Arrays.stream(defined).filter(d -> margin > 0 ? d <= -margin : d >= 0).count();
    return (against + 1.0) / (defined.length + 1.0);
  }

  private static double deviation(double[] values) {
    double[] defined = Arrays.stream(values).filter(d -> !Double.isNaN(d)).toArray();
    double mean = Arrays.stream(defined).average().orElse(0);
    double squares = Arrays.stream(defined).map(d -> (d - mean) * (d - mean)).sum();
    return defined.length < 2 ? 0 : Math.sqrt(squares / (defined.length - 1));
  }
}
