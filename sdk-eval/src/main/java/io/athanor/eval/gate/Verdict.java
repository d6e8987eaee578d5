package io.athanor.eval.gate;

import io.athanor.api.eval.Evidence.Comparison;
import io.athanor.api.eval.GateDecision;
import io.athanor.eval.metric.Numbers;

/** Turns the numbers of a comparison into a decision with a sentence. */
final class Verdict {
  private Verdict() {}

  static GateDecision of(String gate, String title, Comparison evidence, boolean tooFewRows) {
    String facts = facts(title, evidence);
    if (tooFewRows) {
      return new GateDecision.Inconclusive(
          gate,
          facts + " But " + evidence.rows() + " rows are too few for this test ever to fail.",
          evidence);
    }
    return evidence.margin() > 0
        ? withMargin(gate, facts, evidence)
        : withoutMargin(gate, facts, evidence);
  }

  private static GateDecision withoutMargin(String gate, String facts, Comparison evidence) {
    if (evidence.pValue() < evidence.significance()) {
      return new GateDecision.Failed(
          gate, facts + " That is more than chance explains (" + test(evidence) + ").", evidence);
    }
    return new GateDecision.Passed(
        gate,
        facts + " It is not shown to be worse (" + test(evidence) + "). " + power(evidence),
        evidence);
  }

  private static GateDecision withMargin(String gate, String facts, Comparison evidence) {
    String margin = Numbers.plain(evidence.margin());
    if (evidence.pValue() < evidence.significance()) {
      return new GateDecision.Passed(
          gate,
          facts + " Any loss is below the margin of " + margin + " (" + test(evidence) + ").",
          evidence);
    }
    if (evidence.difference().high() < -evidence.margin()) {
      return new GateDecision.Failed(
          gate, facts + " The loss is above the margin of " + margin + ".", evidence);
    }
    return new GateDecision.Inconclusive(
        gate,
        facts
            + " The interval does not rule out a loss of the margin of "
            + margin
            + " or more: "
            + evidence.rows()
            + " rows are too few to tell ("
            + test(evidence)
            + ").",
        evidence);
  }

  private static String facts(String title, Comparison e) {
    String both =
        title
            + ": "
            + Numbers.brief(e.challenger())
            + " against the champion's "
            + Numbers.brief(e.champion());
    double size = Math.abs(e.difference().value());
    String difference =
        e.difference().value() == 0
            ? ", equal"
            : ", "
                + (e.difference().value() > 0 ? "better" : "worse")
                + " by "
                + Numbers.brief(size);
    String interval =
        " (interval of the difference "
            + Numbers.brief(e.difference().low())
            + " to "
            + Numbers.brief(e.difference().high())
            + ", above 0 is better).";
    String rows =
        e.discordant()
            .map(
                d ->
                    " Only the champion is right on "
                        + d.onlyChampionRight()
                        + " rows, only this model on "
                        + d.onlyChallengerRight()
                        + ".")
            .orElse("");
    return both + difference + interval + rows;
  }

  private static String test(Comparison e) {
    return e.method() + ", p " + Numbers.probability(e.pValue());
  }

  private static String power(Comparison e) {
    if (e.smallestLoss() == 0) {
      return "The two models do the same on every one of the " + e.rows() + " rows.";
    }
    return e.rows()
        + " rows would have shown a loss of "
        + Numbers.brief(e.smallestLoss())
        + " four times out of five; a smaller one can go unnoticed.";
  }
}
