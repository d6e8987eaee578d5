package io.athanor.eval.gate;

import io.athanor.api.common.Digest;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import io.athanor.eval.metric.TestRun;
import java.util.List;
import java.util.Optional;

/** The model that is in use, or what is known of it. */
sealed interface Champion {
  /** Its outcomes on the rows of a test run. */
  Outcomes outcomes(TestRun run);

  /** The digest of its weights, where known. */
  Optional<Digest> weights();

  record Artifact(ModelArtifact model) implements Champion {
    @Override
    public Outcomes outcomes(TestRun run) {
      return run.outcomesOf(model);
    }

    @Override
    public Optional<Digest> weights() {
      return Optional.of(model.weightsDigest());
    }
  }

  record Running(Predictor predictor) implements Champion {
    @Override
    public Outcomes outcomes(TestRun run) {
      return run.outcomesOf(predictor);
    }

    @Override
    public Optional<Digest> weights() {
      return Optional.empty();
    }
  }

  record Reported(EvaluationReport report) implements Champion {
    @Override
    public Outcomes outcomes(TestRun run) {
      if (!report.test().equals(run.test())) {
        throw new ValidationException(
            "comparison with the champion",
            List.of(
                "the champion's report is of test rows "
                    + report.test().fingerprint()
                    + " ("
                    + report.test().rows()
                    + " rows) and this evaluation of "
                    + run.test().fingerprint()
                    + " ("
                    + run.test().rows()
                    + " rows); a paired test needs the same rows. Evaluate the champion's model"
                    + " on these rows, or give it instead of its report"));
      }
      return report
          .outcomes()
          .orElseThrow(
              () ->
                  new ValidationException(
                      "comparison with the champion",
                      List.of(
                          "the champion's report was stored without its outcomes, which a paired"
                              + " test needs. Give the champion's model instead of its report")));
    }

    @Override
    public Optional<Digest> weights() {
      return report.subject().weights();
    }
  }
}
