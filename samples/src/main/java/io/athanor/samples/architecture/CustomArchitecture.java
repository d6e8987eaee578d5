package io.athanor.samples.architecture;

import static io.athanor.eval.Metrics.rocAuc;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.DeviceProfile;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.graph.GraphSummary;
import io.athanor.api.training.Lora;
import io.athanor.api.training.TrainingResult;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.eval.Evaluation;
import io.athanor.eval.report.ReportFolder;
import io.athanor.model.format.onnx.OnnxModel;
import io.athanor.model.format.onnx.OnnxPrecision;
import io.athanor.samples.files.SampleFiles;
import io.athanor.training.Training;
import java.nio.file.Path;

/**
 * What comes with a graph: {@link GatedNetwork} is estimated, trained on every backend on the class
 * path, tuned further with adapters of low rank, and written as ONNX.
 */
public final class CustomArchitecture {
  private CustomArchitecture() {}

  /**
   * @param arguments optionally the folder for the reports and the ONNX files, one for each backend
   */
  public static void main(String[] arguments) {
    Path output = SampleFiles.output(arguments, "architecture");
    Split tumours =
        Dataset.from(Csv.of(SampleFiles.data("breast-cancer/breast_cancer.csv")))
            .label("diagnosis")
            .numbersExcept("diagnosis")
            .split(0.6, 0.2, 0.2)
            .seed(7);
    for (String name : Backends.installed().names()) {
      try (Backend backend = Backends.installed().named(name).open(BackendOptions.defaults())) {
        train(tumours, backend, output.resolve(backend.name()));
      }
    }
  }

  private static void train(Split tumours, Backend backend, Path output) {
    Training training =
        Training.of(new GatedNetwork(64), tumours)
            .backend(backend)
            .epochs(20)
            .batchSize(16)
            .learningRate(1e-3)
            .seed(7);
    System.out.println(training.estimate(DeviceProfile.measured(backend)));
    TrainingResult first = training.run();
    System.out.println(GraphSummary.of(first.model().graph()));

    TrainingResult tuned =
        Training.of(first.model(), tumours)
            .backend(backend)
            .tuning(Lora.rank(4).targets("inner", "gate"))
            .epochs(5)
            .batchSize(16)
            .learningRate(1e-3)
            .seed(8)
            .run();
    System.out.println(GraphSummary.of(tuned.model().graph()));

    EvaluationReport report =
        Evaluation.of(tuned.model(), tumours.test())
            .metrics(rocAuc())
            .gate(rocAuc().atLeast(0.97))
            .run();
    report.decisions().forEach(decision -> System.out.println(decision.sentence()));
    ReportFolder.save(report, output);
    OnnxModel.write(output.resolve("model.onnx"), tuned.model(), OnnxPrecision.F32);
    System.out.println("ONNX: " + output.resolve("model.onnx").toAbsolutePath());
  }
}
