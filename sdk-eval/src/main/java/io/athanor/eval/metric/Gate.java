package io.athanor.eval.metric;

import io.athanor.api.eval.GateDecision;

/** A condition a model must meet before it may go on. Immutable. */
@FunctionalInterface
public interface Gate {
  /** Decides, with evidence. */
  GateDecision decide(TestRun run);
}
