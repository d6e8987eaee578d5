package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.api.registry.ModelVersion;
import io.athanor.tck.fixture.TinyArtifacts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models as the other stages make and use them. */
class ArtifactTest extends RegistryContract {
  @TempDir private Path temp;
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry = store.in(temp.resolve("registry")).open();
  }

  @AfterEach
  void close() {
    registry.close();
  }

  @Test
  void givesBackTheModelThatWasRegistered() {
    ModelArtifact model = TinyArtifacts.spam();

    ModelVersion version = registry.register("spam-filter", model);

    ModelArtifact read = registry.version("spam-filter", 1).artifact();
    assertThat(read.weightsDigest()).isEqualTo(model.weightsDigest());
    assertThat(read.architecture()).isEqualTo(model.architecture());
    assertThat(version.facts().architecture()).contains(model.architecture());
    assertThat(version.facts().task()).contains("classification");
    assertThat(version.facts().parameters()).hasValue(model.graph().parameterCount());
    assertThat(version.facts().weights()).contains(model.weightsDigest());
    assertThat(registry.version("spam-filter", 1))
        .usingRecursiveComparison()
        .ignoringFields("folder")
        .isEqualTo(version);
    assertThat(registry.verify().problems()).isEmpty();
  }

  @Test
  void knowsTheArtifactInAFolder() {
    Path folder = temp.resolve("prices");
    ArtifactFolder.write(TinyArtifacts.prices(), folder);

    ModelVersion version = registry.registration("prices", folder).register();

    assertThat(version.facts().task()).contains("regression");
    assertThat(version.facts().weights()).contains(TinyArtifacts.prices().weightsDigest());
  }

  @Test
  void refusesADamagedArtifactInAFolder() throws IOException {
    Path folder = temp.resolve("prices");
    ArtifactFolder.write(TinyArtifacts.prices(), folder);
    Files.writeString(folder.resolve("config.json"), "{}");

    assertThatThrownBy(() -> registry.registration("prices", folder).register())
        .isInstanceOf(FormatException.class);
    assertThat(registry.models()).isEmpty();
    assertThat(temp.resolve("registry/staging")).isEmptyDirectory();
  }

  @Test
  void doesNotOpenAModelWhoseFilesHaveChanged() throws IOException {
    ModelVersion version = registry.register("spam-filter", TinyArtifacts.spam());
    Path card = version.folder().resolve("README.md");
    String before = Digest.ofFile(card).toString();
    assertThat(card.toFile().setWritable(true)).isTrue();
    Files.writeString(card, "Trust me.");

    assertThatThrownBy(version::artifact)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(card.toString())
        .hasMessageContaining("expected digest " + before)
        .hasMessageContaining("got " + Digest.ofText("Trust me."));
  }

  @Test
  void findsTheParentByTheWeightsThatAModelContinued() {
    ModelArtifact base = TinyArtifacts.sizes();
    ModelVersion parent = registry.register("base", base);
    ModelArtifact continued = continuing(base);

    ModelVersion child = registry.register("tuned", continued);

    assertThat(child.facts().base()).contains(base.weightsDigest());
    assertThat(child.parent()).contains(parent.id());
    assertThat(registry.lineage(parent).descendants()).containsExactly(child);
  }

  private static ModelArtifact continuing(ModelArtifact base) {
    Provenance from = base.provenance();
    ModelArtifact other = TinyArtifacts.prices();
    return new ModelArtifact(
        other.architecture(),
        other.config(),
        other.graph(),
        other.weights(),
        other.encoding(),
        Map.of("validation.loss", 0.25),
        new Provenance(
            from.created(),
            from.seed(),
            from.plan(),
            from.data(),
            Optional.of(base.weightsDigest()),
            from.environment()));
  }

  @Test
  void refusesAReportAboutAnotherModel() {
    EvaluationReport report = TestModels.about(TinyArtifacts.spam().weightsDigest());

    assertThatThrownBy(() -> registry.register("prices", TinyArtifacts.prices(), report))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the report is about weights")
        .hasMessageContaining(TinyArtifacts.prices().weightsDigest().brief());
    registry.register("spam-filter", TinyArtifacts.spam(), report);
    assertThat(registry.models()).containsExactly("spam-filter");
  }

  @Test
  void keepsMetricsOfTrainingAndReport() {
    ModelArtifact model = continuing(TinyArtifacts.sizes());

    ModelVersion version =
        registry.register("prices", model, TestModels.report(Map.of("error.mean", 1.5)));

    assertThat(version.metrics())
        .containsExactly(Map.entry("error.mean", 1.5), Map.entry("validation.loss", 0.25));
  }
}
