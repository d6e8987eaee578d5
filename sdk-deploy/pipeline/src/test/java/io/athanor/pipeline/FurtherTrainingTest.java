package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Rows;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.api.model.Predictor;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model registered yesterday learns from today's rows, which lie elsewhere. */
class FurtherTrainingTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;
  private ModelArtifact yesterday;
  private Split today;

  @BeforeEach
  void registerAndReadBack() throws IOException {
    Split first = points("yesterday.csv", 0, 3);
    ModelArtifact trained =
        Training.of(Models.mlp(8), first)
            .epochs(10)
            .batchSize(16)
            .learningRate(0.05)
            .backend(backend)
            .run()
            .model();
    try (ModelRegistry registry = ModelRegistry.open(home.resolve("models"))) {
      registry.register("side", trained);
    }
    try (ModelRegistry registry = ModelRegistry.open(home.resolve("models"))) {
      yesterday = registry.version("side", 1).artifact();
    }
    today = points("today.csv", 1.5, 4);
  }

  @AfterEach
  void close() {
    backend.close();
  }

  /** Points of a square; the line that parts them lies {@code shift} higher. */
  private Split points(String name, double shift, long seed) throws IOException {
    StringBuilder csv = new StringBuilder("x,y,colour,side\n");
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 300; i++) {
      double x = random.nextDouble(-1, 1);
      double y = shift + random.nextDouble(-1, 1);
      String side = x + y > shift ? "above" : "below";
      String colour = i % 2 == 0 ? "red" : "green";
      csv.append(String.format(Locale.ROOT, "%.4f,%.4f,%s,%s%n", x, y, colour, side));
    }
    Path file = Files.writeString(home.resolve(name), csv);
    return Dataset.from(Csv.of(file))
        .number("x", "y")
        .category("colour")
        .label("side")
        .split(0.6, 0.1, 0.3);
  }

  private Training further(Split data) {
    return Training.of(yesterday, data)
        .epochs(10)
        .batchSize(16)
        .learningRate(0.05)
        .backend(backend);
  }

  private double accuracy(ModelArtifact model, Rows rows) {
    int right = 0;
    try (Predictor predictor = Predictor.of(model, backend)) {
      for (long i = 0; i < rows.size(); i++) {
        Prediction.Label label = (Prediction.Label) predictor.predict(rows.row(i));
        if (label.label().equals(rows.row(i).cell("side"))) {
          right++;
        }
      }
    }
    return (double) right / rows.size();
  }

  @Test
  void learnsFromNewRowsInItsOwnEncoding() {
    ModelArtifact model = further(today.encodedBy(yesterday.encoding())).run().model();

    assertThat(accuracy(yesterday, today.test())).isLessThan(0.7);
    assertThat(accuracy(model, today.test())).isGreaterThan(0.9);
    assertThat(model.encoding()).isEqualTo(yesterday.encoding());
    assertThat(model.graph()).isEqualTo(yesterday.graph());
    assertThat(model.provenance().base()).contains(yesterday.weightsDigest());
  }

  @Test
  void theNewModelSaysThatItsEncodingIsOlder() {
    ModelArtifact model = further(today.encodedBy(yesterday.encoding())).epochs(1).run().model();

    DataProvenance.Step fitted = encoding(yesterday);
    DataProvenance.Step reused = encoding(model);
    assertThat(fitted.detail()).isEqualTo("fitted on train");
    assertThat(reused.detail()).isEqualTo("reused " + fitted.fingerprint());
    assertThat(reused.fingerprint()).isEqualTo(fitted.fingerprint());
  }

  private static DataProvenance.Step encoding(ModelArtifact model) {
    return model.provenance().data().get(0).steps().stream()
        .filter(step -> step.name().equals("encode"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void refusesRowsInAnotherEncodingAndNamesTheRemedy() {
    assertThatThrownBy(() -> further(today).start())
        .isInstanceOf(ValidationException.class)
        .hasMessage(
            "Invalid training: the data are encoded in another way than the model's were; use"
                + " data.encodedBy(model.encoding())");
  }

  @Test
  void isReleasedOverTheModelItCameFrom() {
    try (ModelRegistry registry = ModelRegistry.open(home.resolve("models"))) {
      registry.promote(registry.version("side", 1), "production").apply();

      Release release =
          Pipeline.of(registry, "side")
              .backend(backend)
              .release(further(today.encodedBy(yesterday.encoding())), today.test());

      assertThat(release).isInstanceOf(Release.Deployed.class);
      ((Release.Deployed) release).deployment().close();
      assertThat(release.version().number()).isEqualTo(2);
    }
  }
}
