package io.athanor.pipeline;

import static io.athanor.eval.Metrics.accuracy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Usage;
import io.athanor.api.registry.Verdict;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.pipeline.Pipeline.Stage;
import io.athanor.registry.ModelRegistry;
import io.athanor.registry.governance.Approval;
import io.athanor.registry.governance.Policy;
import io.athanor.registry.governance.StageRules;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PipelineTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;
  private ModelRegistry registry;
  private Split plane;

  @BeforeEach
  void prepare() throws IOException {
    registry = ModelRegistry.open(home.resolve("models"));
    StringBuilder csv = new StringBuilder("x,y,side\n");
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 300; i++) {
      double x = random.nextDouble(-1, 1);
      double y = random.nextDouble(-1, 1);
      csv.append(String.format(Locale.ROOT, "%.4f,%.4f,%s%n", x, y, x + y > 0 ? "above" : "below"));
    }
    Path file = Files.writeString(home.resolve("plane.csv"), csv);
    plane = Dataset.from(Csv.of(file)).number("x", "y").label("side").split(0.6, 0.1, 0.3).seed(7);
  }

  @AfterEach
  void close() {
    registry.close();
    backend.close();
  }

  private Training training(int epochs) {
    return Training.of(Models.mlp(8), plane)
        .epochs(epochs)
        .batchSize(16)
        .learningRate(0.02)
        .seed(1)
        .backend(backend);
  }

  private ModelArtifact untrained() {
    return Training.of(Models.mlp(8), plane)
        .epochs(1)
        .batchSize(16)
        .learningRate(1e-9)
        .seed(2)
        .backend(backend)
        .start()
        .await()
        .model();
  }

  private Pipeline pipeline() {
    return Pipeline.of(registry, "side").backend(backend);
  }

  @Test
  void takesDataToADeployedModelInOneCall() {
    List<Stage> stages = new ArrayList<>();
    Release release =
        pipeline()
            .gate(accuracy().atLeast(0.8))
            .listener(stages::add)
            .release(training(30), plane.test());
    assertThat(release).isInstanceOf(Release.Deployed.class);
    try (var live = ((Release.Deployed) release).deployment()) {
      assertThat(live.predict(Map.of("x", 0.9, "y", 0.8)).label()).isEqualTo("above");
      assertThat(live.predict(Map.of("x", -0.9, "y", -0.8)).label()).isEqualTo("below");
      assertThat(live.model()).hasToString("side:1");
    }
    assertThat(stages).containsExactly(Stage.values());
    assertThat(pipeline().champion()).contains(release.version());
    assertThat(registry.report(release.version())).isPresent();
  }

  @Test
  void whatIsDeployedIsOnRecordWithItsUse() {
    Release release = pipeline().release(training(30), plane.test());
    var live = ((Release.Deployed) release).deployment();
    for (int i = 0; i < 3; i++) {
      live.predict(Map.of("x", 0.1 * i, "y", 0.8));
    }
    live.close();
    live.close();

    Usage usage = registry.usage(release.version());
    assertThat(usage.requests()).isEqualTo(3);
    assertThat(usage.errors()).isZero();
  }

  @Test
  void registryThatTakesNoUseKeepsNobodyFromClosing() throws IOException {
    Path folder = Files.createDirectory(home.resolve("elsewhere"));
    UnreliableDatabase database = new UnreliableDatabase(folder.resolve("registry.db"));
    try (ModelRegistry unreliable = ModelRegistry.in(folder).database(database).open()) {
      Release release =
          Pipeline.of(unreliable, "side").backend(backend).release(training(30), plane.test());
      var live = ((Release.Deployed) release).deployment();
      database.reachable = false;
      live.predict(Map.of("x", 0.9, "y", 0.8));
      live.close();
      assertThatThrownBy(() -> live.predict(Map.of("x", 0.9, "y", 0.8)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");

      database.reachable = true;
      assertThat(unreliable.usage(release.version()).requests()).isZero();
      live.close();
      assertThat(unreliable.usage(release.version()).requests()).isEqualTo(1);
    }
  }

  @Test
  void candidateThatFailsAGateIsRegisteredButTheChampionStays() {
    Release first = pipeline().release(training(30), plane.test());
    ((Release.Deployed) first).deployment().close();

    Release second = pipeline().release(untrained(), plane.test());

    assertThat(second).isInstanceOf(Release.Rejected.class);
    assertThat(((Release.Rejected) second).reasons())
        .singleElement()
        .satisfies(reason -> assertThat(reason.gate()).containsIgnoringCase("no worse"));
    assertThat(second.version().number()).isEqualTo(2);
    assertThat(registry.version(second.version().id()).verdict()).isEqualTo(Verdict.NOT_PASSED);
    assertThat(pipeline().champion()).contains(first.version());
  }

  @Test
  void firstCandidateNeedsOnlyTheGivenGates() {
    Release release = pipeline().gate(accuracy().atLeast(0.99)).release(untrained(), plane.test());
    assertThat(release.kind()).isEqualTo(Release.Kind.REJECTED);
    assertThat(pipeline().champion()).isEmpty();
  }

  @Test
  void aliasMovedByAnotherReleaseMeanwhileIsAConflict() {
    ModelArtifact good = training(30).start().await().model();
    Pipeline slow =
        pipeline()
            .listener(
                stage -> {
                  if (stage == Stage.PROMOTE) {
                    registry.promote(registry.register("side", good), "production").apply();
                  }
                });
    assertThatThrownBy(() -> slow.release(good, plane.test()))
        .isInstanceOf(ConflictException.class);
    assertThat(pipeline().champion().orElseThrow().number()).isEqualTo(2);
  }

  @Test
  void nothingThatCanFailFollowsTheAlias() throws InterruptedException {
    ModelArtifact good = training(30).start().await().model();
    List<Thread> recording = new ArrayList<>();
    Pipeline watched =
        Pipeline.of(registry, "watched")
            .backend(backend)
            .listener(
                stage -> {
                  if (stage == Stage.PROMOTE) {
                    assertThat(registry.aliases("watched")).isEmpty();
                    Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> thread.getName().equals("athanor-usage-watched:1"))
                        .forEach(recording::add);
                    registry.promote(registry.register("watched", good), "production").apply();
                  }
                });

    assertThatThrownBy(() -> watched.release(good, plane.test()))
        .isInstanceOf(ConflictException.class);

    assertThat(recording).as("begun before the alias moves").hasSize(1);
    recording.get(0).join(60_000);
    assertThat(recording.get(0).isAlive()).as("ended with the deployment").isFalse();
  }

  @Test
  void aCandidateThatThePolicyRefusesIsRegisteredAndCanBePromotedLater() {
    StageRules rules = StageRules.of("production").approvals(1).build();
    registry.policy(Policy.none().with(rules), "the board said so");

    assertThatThrownBy(() -> pipeline().release(training(30), plane.test()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("approv");

    assertThat(pipeline().champion()).isEmpty();
    ModelVersion candidate = registry.version("side", 1);
    assertThat(candidate.verdict()).isEqualTo(Verdict.PASSED);
    Approval asked = registry.approvals().request(candidate, "production", "it passed its gates");
    registry.approvals().approve(asked.number(), "read the report");
    registry.promote(candidate, "production").apply();
    assertThat(pipeline().champion()).contains(candidate);
  }
}
