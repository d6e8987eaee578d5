package io.athanor.pipeline;

import static io.athanor.eval.Metrics.accuracy;
import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.common.Digest;
import io.athanor.api.model.ModelArtifact;
import io.athanor.backend.djl.TorchScript;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.registry.ModelRegistry;
import io.athanor.training.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A TorchScript file of which nothing is known but the data it was made for. */
class ForeignModelTest {
  @TempDir private Path home;

  private Split plane() throws IOException {
    StringBuilder csv = new StringBuilder("x,y,side\n");
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 300; i++) {
      double x = random.nextDouble(-1, 1);
      double y = random.nextDouble(-1, 1);
      csv.append(String.format(Locale.ROOT, "%.4f,%.4f,%s%n", x, y, x + y > 0 ? "above" : "below"));
    }
    Path file = Files.writeString(home.resolve("plane.csv"), csv);
    return Dataset.from(Csv.of(file)).number("x", "y").label("side").split(0.6, 0.1, 0.3).seed(7);
  }

  private static Training training(ModelArtifact model, Split data, Backend backend) {
    return Training.of(model, data).epochs(2).batchSize(16).learningRate(0.01).backend(backend);
  }

  @Test
  void itIsEvaluatedGatedRegisteredDeployedAndTrainedFurther() throws IOException {
    Split plane = plane();
    Path file = home.resolve("theirs.pt");
    try (Backend backend =
            Backends.installed().named("djl").open(BackendOptions.defaults().withThreads(1));
        ModelRegistry registry = ModelRegistry.open(home.resolve("models"))) {
      ModelArtifact made =
          Training.of(Models.mlp(8), plane)
              .epochs(20)
              .batchSize(16)
              .learningRate(0.02)
              .seed(1)
              .backend(backend)
              .start()
              .await()
              .model();
      TorchScript.write(file, made);

      ModelArtifact foreign = TorchScript.read(file, made.featureEncoding());
      Pipeline pipeline =
          Pipeline.of(registry, "side").backend(backend).gate(accuracy().atLeast(0.8));
      Release release = pipeline.release(foreign, plane.test());

      assertThat(release).isInstanceOf(Release.Deployed.class);
      try (var live = ((Release.Deployed) release).deployment()) {
        assertThat(live.predict(Map.of("x", 0.9, "y", 0.8)).label()).isEqualTo("above");
        assertThat(live.predict(Map.of("x", -0.9, "y", -0.8)).label()).isEqualTo("below");
      }
      ModelArtifact registered = release.version().artifact();
      assertThat(registered.weightsDigest()).isEqualTo(made.weightsDigest());
      assertThat(registered.provenance().base()).isEqualTo(Optional.of(Digest.ofFile(file)));

      ModelArtifact trained =
          training(registered, plane.encodedBy(registered.encoding()), backend)
              .start()
              .await()
              .model();
      assertThat(trained.weightsDigest()).isNotEqualTo(registered.weightsDigest());
      assertThat(trained.provenance().base()).contains(registered.weightsDigest());
      assertThat(trained.metrics()).containsKey("validation.loss");
    }
  }
}
