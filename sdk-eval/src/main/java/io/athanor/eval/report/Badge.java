package io.athanor.eval.report;

import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.GateDecision.Kind;

/**
 * An outcome as it is shown.
 *
 * @param word for people
 * @param sign for the eye
 * @param css class of the style sheet
 * @param sentence what it is about
 */
record Badge(String word, String sign, String css, String sentence) {
  static Badge of(Kind kind) {
    return switch (kind) {
      case PASSED -> new Badge("Passed", "✓", "passed", "");
      case FAILED -> new Badge("Failed", "✕", "failed", "");
      case INCONCLUSIVE -> new Badge("Inconclusive", "?", "inconclusive", "");
    };
  }

  static Badge of(EvaluationReport report) {
    int all = report.decisions().size();
    if (all == 0) {
      return new Badge("Measured", "•", "measured", "No gate was set.");
    }
    long passed = count(report, Kind.PASSED);
    String sentence = passed + " of " + all + (all == 1 ? " gate" : " gates") + " passed.";
    Kind kind =
        passed == all
            ? Kind.PASSED
            : count(report, Kind.FAILED) > 0 ? Kind.FAILED : Kind.INCONCLUSIVE;
    Badge base = of(kind);
    return new Badge(base.word(), base.sign(), base.css(), sentence);
  }

  private static long count(EvaluationReport report, Kind kind) {
    return report.decisions().stream().map(GateDecision::kind).filter(k -> k == kind).count();
  }
}
