package io.athanor.samples.medical;

import static io.athanor.api.training.Patience.patience;
import static io.athanor.eval.Metrics.accuracy;
import static io.athanor.eval.Metrics.calibrationError;
import static io.athanor.eval.Metrics.logLoss;
import static io.athanor.eval.Metrics.recall;
import static io.athanor.eval.Metrics.rocAuc;

import io.athanor.api.deploy.Answer;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.TrainingResult;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.deploy.Deployments;
import io.athanor.eval.Calibration;
import io.athanor.eval.Evaluation;
import io.athanor.eval.report.ReportFolder;
import io.athanor.model.Models;
import io.athanor.samples.files.SampleFiles;
import io.athanor.training.Training;
import io.athanor.training.console.Progress;
import java.nio.file.Path;

/**
 * 569 tumours, 30 measurements each: malignant or benign, with a probability one can rely on. A
 * sample of the library, not a medical device.
 */
public final class TumourDiagnosis {
  private TumourDiagnosis() {}

  /**
   * @param arguments optionally the folder for the report
   */
  public static void main(String[] arguments) {
    Path output = SampleFiles.output(arguments, "tumours");
    Split tumours =
        Dataset.from(Csv.of(SampleFiles.data("breast-cancer/breast_cancer.csv")))
            .label("diagnosis")
            .numbersExcept("diagnosis")
            .split(0.6, 0.2, 0.2)
            .seed(7);
    System.out.println(tumours.dataset().profile());

    TrainingResult result =
        Training.of(Models.mlp(32, 32).dropout(0.2), tumours)
            .epochs(60)
            .batchSize(16)
            .learningRate(1e-3)
            .stopEarly("validation.loss", patience(10))
            .seed(7)
            .listener(Progress.console())
            .run();
    ModelArtifact calibrated = Calibration.of(result.model(), tumours.validationRows()).fit();

    EvaluationReport report =
        Evaluation.of(calibrated, tumours.test())
            .metrics(accuracy(), recall().of("malignant"), rocAuc(), logLoss(), calibrationError())
            .gate(recall().of("malignant").atLeast(0.85), rocAuc().atLeast(0.97))
            .history(result.history())
            .run();
    report.decisions().forEach(decision -> System.out.println(decision.sentence()));
    System.out.println("Report: " + ReportFolder.save(report, output).toUri());

    try (var live = Deployments.inProcess().deploy("tumour-diagnosis", calibrated)) {
      Answer answer = live.predict(tumours.test().row(0));
      System.out.printf(
          "The first tumour of the test: %s with probability %.3f%n",
          answer.label(), answer.confidence());
    }
  }
}
