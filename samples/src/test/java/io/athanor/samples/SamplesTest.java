package io.athanor.samples;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.GateDecision;
import io.athanor.eval.report.ReportFolder;
import io.athanor.registry.ModelRegistry;
import io.athanor.samples.digits.DigitReader;
import io.athanor.samples.mail.SpamFilter;
import io.athanor.samples.medical.DiseaseProgression;
import io.athanor.samples.medical.TumourDiagnosis;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the samples as a reader would. */
class SamplesTest {
  @TempDir Path folder;

  @Test
  void mailBecomesASpamFilterInProductionAndTheSecondStandsUpToTheFirst() throws Exception {
    SpamFilter.main(new String[] {folder.toString()});
    EvaluationReport first = passed(folder.resolve("report"));
    SpamFilter.main(new String[] {folder.toString()});
    EvaluationReport second = passed(folder.resolve("report"));

    assertThat(first.metric("f1[spam]").value()).isGreaterThanOrEqualTo(0.95);
    assertThat(second.metric("f1[spam]").value()).isEqualTo(first.metric("f1[spam]").value());
    assertThat(second.decisions())
        .extracting(GateDecision::sentence)
        .noneMatch(sentence -> sentence.contains("no champion"));
    try (ModelRegistry registry = ModelRegistry.open(folder.resolve("models"))) {
      assertThat(registry.alias("spam-filter", "production").number()).isEqualTo(2);
      assertThat(registry.verify().sound()).isTrue();
    }
  }

  @Test
  void tumoursAreToldApartWithHonestProbabilities() {
    TumourDiagnosis.main(new String[] {folder.toString()});

    EvaluationReport report = passed(folder);
    assertThat(report.metric("roc-auc").value()).isGreaterThan(0.97);
    assertThat(report.metric("ece").value()).isLessThan(0.1);
  }

  @Test
  void theProgressionOfADiseaseIsEstimated() {
    DiseaseProgression.main(new String[] {folder.toString()});

    assertThat(passed(folder).metric("r2").value()).isGreaterThan(0.35);
  }

  @Test
  void digitsAreRead() {
    DigitReader.main(new String[] {folder.toString()});

    assertThat(passed(folder).metric("accuracy").value()).isGreaterThan(0.96);
  }

  private static EvaluationReport passed(Path report) {
    assertThat(report.resolve("report.html")).isNotEmptyFile();
    EvaluationReport read = ReportFolder.load(report);
    assertThat(read.passed()).as(read.decisions().toString()).isTrue();
    return read;
  }
}
