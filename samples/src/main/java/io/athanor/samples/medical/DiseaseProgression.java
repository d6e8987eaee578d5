package io.athanor.samples.medical;

import static io.athanor.api.training.Patience.patience;
import static io.athanor.eval.Metrics.mae;
import static io.athanor.eval.Metrics.r2;
import static io.athanor.eval.Metrics.rmse;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.training.TrainingResult;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.deploy.Deployments;
import io.athanor.eval.Evaluation;
import io.athanor.eval.report.ReportFolder;
import io.athanor.model.Models;
import io.athanor.samples.files.SampleFiles;
import io.athanor.training.Training;
import io.athanor.training.console.Progress;
import java.nio.file.Path;

/** 442 people with diabetes: how far will the disease have gone in a year? */
public final class DiseaseProgression {
  private DiseaseProgression() {}

  /**
   * @param arguments optionally the folder for the report
   */
  public static void main(String[] arguments) {
    Path output = SampleFiles.output(arguments, "diabetes");
    Split people =
        Dataset.from(Csv.of(SampleFiles.data("diabetes/diabetes.csv")))
            .estimate("progression")
            .numbersExcept("progression")
            .split(0.6, 0.2, 0.2)
            .seed(7);

    TrainingResult result =
        Training.of(Models.mlp(32).dropout(0.1), people)
            .epochs(100)
            .batchSize(32)
            .learningRate(2e-3)
            .optimizer(Optimizer.adamW(0.1))
            .stopEarly("validation.loss", patience(15))
            .seed(7)
            .listener(Progress.console())
            .run();

    EvaluationReport report =
        Evaluation.of(result.model(), people.test())
            .metrics(mae(), rmse(), r2())
            .gate(r2().atLeast(0.35))
            .history(result.history())
            .run();
    report.decisions().forEach(decision -> System.out.println(decision.sentence()));
    System.out.println("Report: " + ReportFolder.save(report, output).toUri());

    try (var live = Deployments.inProcess().deploy("disease-progression", result.model())) {
      System.out.printf(
          "The first person of the test: %.0f%n", live.predict(people.test().row(0)).value());
    }
  }
}
