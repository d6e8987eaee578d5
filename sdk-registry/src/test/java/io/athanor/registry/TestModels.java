package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Task;
import io.athanor.api.eval.Details;
import io.athanor.api.eval.Estimate;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.Evidence;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.MetricValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Small folders and reports to register. */
final class TestModels {
  private TestModels() {}

  /** A folder whose content depends on a text. */
  static Path folder(Path parent, String content) {
    try {
      Path folder = Files.createTempDirectory(parent, "model");
      Files.writeString(folder.resolve("config.json"), "{\"layers\": 2}");
      Files.createDirectory(folder.resolve("text"));
      Files.writeString(folder.resolve("text").resolve("vocabulary.txt"), "words");
      Files.writeString(folder.resolve("weights.bin"), content);
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A report with metrics and no gates. */
  static EvaluationReport report(Map<String, Double> metrics) {
    return builder(metrics).build();
  }

  /** A report with a gate. */
  static EvaluationReport gated(Map<String, Double> metrics, boolean passed) {
    Evidence evidence = new Evidence.None("chosen by the test");
    GateDecision decision =
        passed
            ? new GateDecision.Passed("f1 at least 0.9", "f1 is high enough", evidence)
            : new GateDecision.Failed("f1 at least 0.9", "f1 is 0.5, too low", evidence);
    return builder(metrics).decisions(List.of(decision)).build();
  }

  /** A report about certain weights. */
  static EvaluationReport about(Digest weights) {
    return builder(Map.of(), Optional.of(weights)).build();
  }

  private static EvaluationReport.Builder builder(Map<String, Double> metrics) {
    return builder(metrics, Optional.empty());
  }

  private static EvaluationReport.Builder builder(
      Map<String, Double> metrics, Optional<Digest> weights) {
    return EvaluationReport.builder(
            new EvaluationReport.Subject("mlp", weights, new Task.Regression("y")),
            new EvaluationReport.TestSet(Digest.ofText("test rows"), 10),
            Instant.parse("2026-01-01T00:00:00Z"),
            new EvaluationReport.Sampling(100, 0.95, 7),
            new Details.Regression(List.of(), List.of()))
        .metrics(
            new TreeMap<>(metrics)
                .entrySet().stream()
                    .map(
                        m ->
                            new MetricValue(
                                m.getKey(),
                                m.getKey(),
                                MetricValue.Better.HIGHER,
                                "",
                                Optional.of(Estimate.exact(m.getValue())),
                                ""))
                    .toList());
  }
}
