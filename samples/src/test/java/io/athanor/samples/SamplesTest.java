package io.athanor.samples;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.GateDecision;
import io.athanor.eval.report.ReportFolder;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.model.format.PeftFolder;
import io.athanor.model.format.PretrainedModel;
import io.athanor.model.format.gguf.Gguf;
import io.athanor.registry.ModelRegistry;
import io.athanor.samples.architecture.CustomArchitecture;
import io.athanor.samples.chat.Assistant;
import io.athanor.samples.code.JavaCompletion;
import io.athanor.samples.digits.DigitReader;
import io.athanor.samples.mail.SmallSpamFilter;
import io.athanor.samples.mail.SpamFilter;
import io.athanor.samples.mail.WordSpamFilter;
import io.athanor.samples.medical.DiseaseProgression;
import io.athanor.samples.medical.TumourDiagnosis;
import io.athanor.samples.pretraining.SmallLlama;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the samples as a reader would. */
class SamplesTest {
  @TempDir Path folder;

  @Test
  void mailBecomesASpamFilterInProductionAndTheSecondStandsUpToTheFirst() throws Exception {
    WordSpamFilter.main(new String[] {folder.toString()});
    EvaluationReport first = passed(folder.resolve("report"));
    WordSpamFilter.main(new String[] {folder.toString()});
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
  @Tag("heavy")
  void aSpamFilterIsMadeSmallerInThreeWays() throws Exception {
    SmallSpamFilter.main(new String[] {folder.toString(), "32"});

    String rounded = Files.readString(folder.resolve("int8.md"));
    assertThat(rounded).contains("PASSED: no worse than the champion by f1[spam]");
    for (String name : new String[] {"int8", "pruned", "distilled", "distilled-or-alone"}) {
      assertThat(Files.readString(folder.resolve(name + ".md")))
          .contains("size on disk", "median latency", "F1", "Accuracy");
    }
  }

  @Test
  @Tag("heavy")
  void aPublishedEncoderIsFineTunedToASpamFilterAndMeetsTheNext() throws Exception {
    SpamFilter.main(new String[] {folder.toString()});

    assertThat(passed(folder.resolve("report")).metric("f1[spam]").value()).isGreaterThan(0.93);
    try (ModelRegistry registry = ModelRegistry.open(folder.resolve("models"))) {
      assertThat(registry.alias("spam-filter", "production").number()).isEqualTo(1);
    }

    WordSpamFilter.main(new String[] {folder.toString()});

    EvaluationReport second = ReportFolder.load(folder.resolve("report"));
    assertThat(second.decisions())
        .extracting(GateDecision::sentence)
        .noneMatch(sentence -> sentence.contains("no champion"));
  }

  @Test
  void tumoursAreToldApartWithHonestProbabilities() {
    TumourDiagnosis.main(new String[] {folder.toString()});

    EvaluationReport report = passed(folder);
    assertThat(report.metric("roc-auc").value()).isGreaterThan(0.97);
    assertThat(report.metric("ece").value()).isLessThan(0.1);
  }

  @Test
  void anArchitectureOfOnesOwnIsEstimatedTrainedAdaptedAndWritten() {
    String said = said(() -> CustomArchitecture.main(new String[] {folder.toString()}));

    assertThat(said).contains("Training of gated", "10,562 trained", "Fits  yes, ", "lora_A");
    assertThat(passed(folder.resolve("djl")).metric("roc-auc").value()).isGreaterThan(0.97);
    assertThat(folder.resolve("djl").resolve("model.onnx")).isNotEmptyFile();
  }

  private static String said(Runnable sample) {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      sample.run();
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8);
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

  @Test
  @Tag("heavy")
  void aSmallLlamaKilledWhileItLearnsEndsAsIfNothingHadHappened() throws Exception {
    String[] some = {
      folder.resolve("whole").toString(), "2", "org/apache/commons/lang3/time/*.java"
    };
    String uninterrupted = SmallLlamaProcess.run(some, "Weights ");
    some[0] = folder.resolve("killed").toString();
    assertThat(SmallLlamaProcess.run(some, "train.loss")).startsWith("epoch 1, step ");
    assertThat(folder.resolve("killed").resolve("checkpoints")).isNotEmptyDirectory();

    String resumed = SmallLlamaProcess.run(some, "Weights ");

    assertThat(resumed).isEqualTo(uninterrupted).startsWith("Weights sha256:");
  }

  @Test
  @Tag("heavy")
  void aModelLearnsToWriteMethodsAndIsLeftInEveryFormat() throws Exception {
    Path model = folder.resolve("model");
    SmallLlama.main(
        new String[] {
          folder.resolve("pretrained").toString(), "1", "org/apache/commons/lang3/mutable/*.java"
        });
    Files.move(folder.resolve("pretrained").resolve("model"), model);

    JavaCompletion.main(new String[] {model.toString(), folder.resolve("code").toString(), "60"});

    PretrainedModel merged = HuggingFaceFolder.read(folder.resolve("code/merged"));
    PretrainedModel gguf = Gguf.read(folder.resolve("code/merged.gguf"));
    assertThat(gguf.tensors().keySet()).isEqualTo(merged.tensors().keySet());
    assertThat(PeftFolder.read(folder.resolve("code/adapter")).modules()).hasSize(16);

    Files.writeString(
        model.resolve("chat_template.jinja"), "{% for m in messages %}{{ m.content }}{% endfor %}");
    String said = said(() -> Assistant.main(new String[] {model.toString(), "public int get"}));
    assertThat(said).contains("assistant:", "outputTokenCount = ");
  }

  private static EvaluationReport passed(Path report) {
    assertThat(report.resolve("report.html")).isNotEmptyFile();
    EvaluationReport read = ReportFolder.load(report);
    assertThat(read.passed()).as(read.decisions().toString()).isTrue();
    return read;
  }
}
