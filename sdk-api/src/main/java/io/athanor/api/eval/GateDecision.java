package io.athanor.api.eval;

/** What a gate decided, with the evidence. */
public sealed interface GateDecision {
  /** The three outcomes, for an exhaustive switch. */
  enum Kind {
    PASSED,
    FAILED,
    INCONCLUSIVE
  }

  /** Which outcome this is. */
  Kind kind();

  /** The gate, for example {@code "f1 at least 0.95"}. */
  String gate();

  /** The decision in plain words. */
  String sentence();

  /** The numbers it rests on. */
  Evidence evidence();

  /**
   * The model may go through.
   *
   * @param gate the gate
   * @param sentence the decision in plain words
   * @param evidence the numbers it rests on
   */
  record Passed(String gate, String sentence, Evidence evidence) implements GateDecision {
    @Override
    public Kind kind() {
      return Kind.PASSED;
    }
  }

  /**
   * The model may not go through.
   *
   * @param gate the gate
   * @param sentence the decision in plain words
   * @param evidence the numbers it rests on
   */
  record Failed(String gate, String sentence, Evidence evidence) implements GateDecision {
    @Override
    public Kind kind() {
      return Kind.FAILED;
    }
  }

  /**
   * The rows cannot tell: too few of them, or the metric is undefined. Does not pass.
   *
   * @param gate the gate
   * @param sentence the decision in plain words
   * @param evidence the numbers it rests on
   */
  record Inconclusive(String gate, String sentence, Evidence evidence) implements GateDecision {
    @Override
    public Kind kind() {
      return Kind.INCONCLUSIVE;
    }
  }
}
