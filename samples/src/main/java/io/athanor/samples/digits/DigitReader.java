package io.athanor.samples.digits;

import static io.athanor.api.training.Patience.patience;
import static io.athanor.eval.Metrics.accuracy;
import static io.athanor.eval.Metrics.f1;
import static io.athanor.eval.Metrics.logLoss;

import io.athanor.api.deploy.Answer;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.training.TrainingResult;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.ImageFolder;
import io.athanor.deploy.Deployments;
import io.athanor.eval.Evaluation;
import io.athanor.eval.report.ReportFolder;
import io.athanor.model.Models;
import io.athanor.samples.files.SampleFiles;
import io.athanor.training.Training;
import io.athanor.training.console.Progress;
import java.nio.file.Path;

/** 1,797 handwritten digits of 8 x 8 pixels, read by a convolutional network. */
public final class DigitReader {
  private DigitReader() {}

  /**
   * @param arguments optionally the folder for the report
   */
  public static void main(String[] arguments) {
    Path output = SampleFiles.output(arguments, "digits");
    Split digits =
        Dataset.from(ImageFolder.of(SampleFiles.data("digits/digits.zip")))
            .image(ImageFolder.IMAGE)
            .label(ImageFolder.LABEL)
            .split(0.7, 0.1, 0.2)
            .seed(7);

    TrainingResult result =
        Training.of(Models.cnn(32, 64), digits)
            .epochs(15)
            .batchSize(32)
            .learningRate(2e-3)
            .stopEarly("validation.loss", patience(4))
            .seed(7)
            .listener(Progress.console())
            .run();

    EvaluationReport report =
        Evaluation.of(result.model(), digits.test())
            .metrics(accuracy(), f1().macro(), logLoss())
            .gate(accuracy().atLeast(0.96))
            .history(result.history())
            .run();
    report.decisions().forEach(decision -> System.out.println(decision.sentence()));
    System.out.println("Report: " + ReportFolder.save(report, output).toUri());

    try (var live = Deployments.inProcess().deploy("digit-reader", result.model())) {
      Answer answer = live.predict(digits.test().row(0));
      System.out.printf(
          "The first digit of the test: %s with probability %.3f%n",
          answer.label(), answer.confidence());
    }
  }
}
