package io.athanor.pipeline;

import static io.athanor.eval.Metrics.accuracy;
import static io.athanor.eval.Metrics.f1;
import static io.athanor.eval.Metrics.noWorseThan;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.Estimate;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.compress.Distillation;
import io.athanor.training.compress.Pruning;
import io.athanor.training.compress.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompressionTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;
  private Split plane;
  private ModelArtifact model;

  @BeforeEach
  void prepare() throws IOException {
    StringBuilder csv = new StringBuilder("x,y,side,sum\n");
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 300; i++) {
      double x = random.nextDouble(-1, 1);
      double y = random.nextDouble(-1, 1);
      String side = x + y > 0 ? "above" : "below";
      csv.append(String.format(Locale.ROOT, "%.4f,%.4f,%s,%.4f%n", x, y, side, x + y));
    }
    Path file = Files.writeString(home.resolve("plane.csv"), csv);
    plane = Dataset.from(Csv.of(file)).number("x", "y").label("side").split(0.6, 0.1, 0.3).seed(7);
    model = trained(64);
  }

  private ModelArtifact trained(int... hidden) {
    return Training.of(Models.mlp(hidden), plane)
        .epochs(8)
        .batchSize(16)
        .learningRate(0.01)
        .seed(1)
        .backend(backend)
        .run()
        .model();
  }

  private Compression compression(ModelArtifact before, ModelArtifact after) {
    long[] clock = {0};
    return Compression.of(before, after, plane.test())
        .backend(backend)
        .timedCalls(20)
        .nanoClock(() -> clock[0] += 1_000_000);
  }

  @Test
  void saysWhatRoundingSavedAndWhatItCost() throws IOException {
    ModelArtifact whole = trained(80, 80);
    ModelArtifact small = Quantization.int8().of(whole);

    CompressionReport report =
        compression(whole, small)
            .metrics(accuracy(), f1().of("above"))
            .gate(noWorseThan(whole).margin(0.1))
            .run();

    assertThat(report.passed()).isTrue();
    assertThat(report.bytes().before()).isEqualTo(bytes(whole));
    assertThat(report.bytes().after()).isEqualTo(bytes(small)).isLessThan(bytes(whole));
    assertThat(report.compression()).isGreaterThan(1.5);
    assertThat(report.latency().before()).isEqualTo(Estimate.exact(1));
    assertThat(report.speedup()).isEqualTo(Estimate.exact(1));
    assertThat(report.changes()).hasSize(2);
    CompressionReport.Change accuracy = report.changes().get(0);
    assertThat(accuracy.before().name()).isEqualTo("accuracy");
    assertThat(accuracy.difference().orElseThrow().value())
        .isCloseTo(accuracy.after().value() - accuracy.before().value(), offset(1e-12));
    assertThat(report.toString())
        .contains("| size on disk, MB |", "times smaller", "| Accuracy |", "PASSED: no worse");
  }

  private long bytes(ModelArtifact artifact) throws IOException {
    Path folder = Files.createTempDirectory(home, "weighed").resolve("model");
    ArtifactFolder.write(artifact, folder);
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  @Test
  void modelThatLostItsQualityFailsByTheGateEveryCompressionHas() {
    ModelArtifact crippled = Pruning.neurons(0.99).of(model);

    CompressionReport report = compression(model, crippled).run();

    assertThat(report.passed()).isFalse();
    assertThat(report.after().decisions())
        .singleElement()
        .satisfies(decision -> assertThat(decision.kind()).isEqualTo(GateDecision.Kind.FAILED));
    assertThat(report.changes().get(0).difference().orElseThrow().high()).isNegative();
    assertThat(report.compression()).isGreaterThan(1);
    assertThat(report.toString()).contains("FAILED: no worse than the champion");
  }

  @Test
  void fasterModelsShowInTheRatioOfTheirMedians() {
    // Reads the clock twice a prediction: the model as it was takes 3 ms, the other one 1 ms.
    long[] calls = {0};
    long[] now = {0};
    CompressionReport report =
        Compression.of(model, Pruning.neurons(0.5).of(model), plane.test())
            .backend(backend)
            .timedCalls(20)
            .nanoClock(
                () -> {
                  long call = calls[0]++;
                  boolean end = call % 2 == 1;
                  boolean oldFirst = call / 4 % 2 == 0;
                  boolean first = call / 2 % 2 == 0;
                  return now[0] += end ? (first == oldFirst ? 3_000_000 : 1_000_000) : 0;
                })
            .run();

    assertThat(report.latency().before().value()).isEqualTo(3);
    assertThat(report.latency().after().value()).isEqualTo(1);
    assertThat(report.speedup().value()).isEqualTo(3);
  }

  @Test
  void studentLearnsFromATeacherThatReadsRowsInAnotherWay() {
    Split earlier =
        Dataset.from(Csv.of(home.resolve("plane.csv")))
            .number("x", "y")
            .label("side")
            .split(0.5, 0.1, 0.4)
            .seed(8);
    ModelArtifact teacher =
        Training.of(Models.mlp(64), earlier)
            .epochs(8)
            .batchSize(16)
            .learningRate(0.02)
            .backend(backend)
            .run()
            .model();
    assertThat(teacher.encoding()).isNotEqualTo(plane.encoding());
    Training student =
        Training.of(Models.mlp(2), plane)
            .epochs(10)
            .batchSize(16)
            .learningRate(0.03)
            .backend(backend);
    assertThatThrownBy(() -> student.distill(Distillation.from(teacher)).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("Distillation.reading");
    Split read = plane.encodedBy(teacher.encoding());

    ModelArtifact taught =
        student.distill(Distillation.from(teacher).weight(1).reading(read)).run().model();

    CompressionReport report = compression(teacher, taught).run();
    assertThat(report.changes().get(0).after().value()).isGreaterThan(0.9);
    assertThat(report.compression()).isGreaterThan(1);
  }

  @Test
  void modelsForDifferentTasksAreNotCompared() {
    Split sums =
        Dataset.from(Csv.of(home.resolve("plane.csv")))
            .number("x", "y")
            .estimate("sum")
            .split(0.6, 0.1, 0.3)
            .seed(7);
    ModelArtifact numbers =
        Training.of(Models.mlp(4), sums).epochs(1).backend(backend).run().model();

    assertThatThrownBy(() -> Compression.of(model, numbers, plane.test()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("different tasks");
    assertThatThrownBy(() -> compression(model, model).timedCalls(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("timedCalls");
  }
}
