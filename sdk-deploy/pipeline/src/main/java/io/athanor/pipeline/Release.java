package io.athanor.pipeline;

import io.athanor.api.deploy.Deployment;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.registry.ModelVersion;
import java.util.List;

/** What became of a candidate. */
public sealed interface Release {
  /** The two outcomes, for an exhaustive switch. */
  enum Kind {
    DEPLOYED,
    REJECTED
  }

  /** Which outcome this is. */
  Kind kind();

  /** The candidate as the registry knows it. */
  ModelVersion version();

  /** How good it is, and what the gates decided. */
  EvaluationReport report();

  /**
   * It passed its gates, has the alias and answers.
   *
   * @param version the candidate, now the champion
   * @param report its evaluation
   * @param deployment answers; the caller closes it, before the registry. Its use is recorded every
   *     minute and when it is closed; a {@link UsageRecorder} of the caller's would count it twice
   */
  record Deployed(ModelVersion version, EvaluationReport report, Deployment deployment)
      implements Release {
    @Override
    public Kind kind() {
      return Kind.DEPLOYED;
    }
  }

  /**
   * A gate did not pass. It is registered, so that it can be examined; the alias is where it was.
   *
   * @param version the candidate
   * @param report its evaluation
   */
  record Rejected(ModelVersion version, EvaluationReport report) implements Release {
    @Override
    public Kind kind() {
      return Kind.REJECTED;
    }

    /** The decisions that stood in its way; at least one. */
    public List<GateDecision> reasons() {
      return report.decisions().stream()
          .filter(decision -> decision.kind() != GateDecision.Kind.PASSED)
          .toList();
    }
  }
}
