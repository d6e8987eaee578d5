package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.Rows;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.Evidence;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.api.model.Predictor;
import io.athanor.api.registry.ModelVersion;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.TextDataset;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Registered versions that were never evaluated together predict the same rows. */
class ComparisonOnRowsTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;
  private ModelRegistry registry;
  private Path csv;
  private Split sides;
  private ModelVersion weak;

  @BeforeEach
  void prepare() throws IOException {
    registry = ModelRegistry.open(home.resolve("registry"));
    StringBuilder text = new StringBuilder("x,y,side,half,sum\n");
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 300; i++) {
      double x = random.nextDouble(-1, 1);
      double y = random.nextDouble(-1, 1);
      String side = x + y > 0 ? "above" : "below";
      String half = x > 0 ? "right" : "left";
      text.append(String.format(Locale.ROOT, "%.4f,%.4f,%s,%s,%.4f%n", x, y, side, half, x + y));
    }
    csv = Files.writeString(home.resolve("plane.csv"), text);
    sides = points().label("side").split(0.6, 0.1, 0.3).seed(7);
    weak = registry.register("side", trained(sides, 1e-9));
  }

  @AfterEach
  void close() {
    registry.close();
    backend.close();
  }

  private Dataset points() {
    return Dataset.from(Csv.of(csv)).number("x", "y");
  }

  private ModelArtifact trained(Split data, double rate) {
    return Training.of(Models.mlp(8), data)
        .epochs(30)
        .batchSize(16)
        .learningRate(rate)
        .seed(1)
        .backend(backend)
        .run()
        .model();
  }

  private double accuracy(ModelVersion version, Rows rows) {
    int right = 0;
    try (Predictor predictor = Predictor.of(version.artifact(), backend)) {
      for (long i = 0; i < rows.size(); i++) {
        Prediction.Label label = (Prediction.Label) predictor.predict(rows.row(i));
        right += label.label().equals(rows.row(i).cell("side")) ? 1 : 0;
      }
    }
    return (double) right / rows.size();
  }

  @Test
  void versionsWithoutReportsPredictTheSameRows() {
    ModelVersion good = registry.register("side", trained(sides, 0.02));

    PairedComparison comparison = PairedComparison.of(weak, good, sides.test(), backend);

    Evidence.Comparison byAccuracy = comparison.metrics().get(0);
    assertThat(comparison.metrics()).hasSize(2);
    assertThat(byAccuracy.rows()).isEqualTo(sides.test().size());
    assertThat(byAccuracy.champion()).isCloseTo(accuracy(weak, sides.test()), within(1e-9));
    assertThat(byAccuracy.challenger()).isCloseTo(accuracy(good, sides.test()), within(1e-9));
    assertThat(byAccuracy.difference().low()).isPositive();
    assertThat(comparison.toString())
        .startsWith("By accuracy, side:2 is better than side:1: ")
        .contains("f1");
    assertThat(PairedComparison.of(good, weak, sides.test(), backend).sentences().get(0))
        .startsWith("By accuracy, side:1 is worse than side:2: ");
  }

  @Test
  void numbersAreComparedByTheirErrors() {
    Split sums = points().estimate("sum").split(0.6, 0.1, 0.3).seed(7);
    ModelVersion untrained = registry.register("sum", trained(sums, 1e-9));
    ModelVersion good = registry.register("sum", trained(sums, 0.02));

    PairedComparison comparison = PairedComparison.of(untrained, good, sums.test(), backend);

    assertThat(comparison.metrics())
        .extracting(Evidence.Comparison::metric)
        .containsExactly("mae", "rmse");
    assertThat(comparison.sentences())
        .allMatch(sentence -> sentence.contains("sum:2 is better than sum:1"));
  }

  @Test
  void refusesVersionsForOtherTasks() {
    Split sums = points().estimate("sum").split(0.6, 0.1, 0.3);
    ModelVersion number = registry.register("sum", trained(sums, 1e-9));

    assertThatThrownBy(() -> PairedComparison.of(weak, number, sides.test(), backend))
        .isInstanceOf(ValidationException.class)
        .hasMessage(
            "Invalid comparison of side:1 and sum:1: the versions are for different tasks: side:1"
                + " for Classification and sum:1 for Regression");
  }

  @Test
  void refusesVersionsThatPredictOtherColumns() {
    Split halves = points().label("half").split(0.6, 0.1, 0.3);
    ModelVersion half = registry.register("half", trained(halves, 1e-9));

    assertThatThrownBy(() -> PairedComparison.of(weak, half, sides.test(), backend))
        .isInstanceOf(ValidationException.class)
        .hasMessage(
            "Invalid comparison of side:1 and half:1: the versions predict different columns:"
                + " side:1 predicts 'side' and half:1 'half'");
  }

  @Test
  void refusesLanguageModels() throws IOException {
    Path texts = Files.writeString(home.resolve("texts.csv"), "text\na b a b\nb a b a\na a b b\n");
    ModelArtifact language =
        Training.of(
                Models.llama(1, 8, 2, 1, 16),
                TextDataset.documents(Csv.of(texts), "text")
                    .tokenizer(WordTokenizer.fit(List.of("a b"), 20, 1))
                    .withoutEndToken()
                    .contextLength(8)
                    .split(1, 0))
            .epochs(1)
            .batchSize(2)
            .backend(backend)
            .run()
            .model();
    ModelVersion version = registry.register("writer", language);

    assertThatThrownBy(() -> PairedComparison.of(version, version, sides.test(), backend))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("writer:1, which predicts no column of rows")
        .hasMessageContaining("Perplexity");
  }
}
