package io.athanor.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.Prediction;
import io.athanor.api.model.Predictor;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeploymentsTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @AfterEach
  void closeBackend() {
    backend.close();
  }

  private Deployment spam() {
    return Deployments.inProcess().backend(backend).deploy("spam-filter", TinyArtifacts.spam());
  }

  private Deployment sizes() {
    return Deployments.inProcess().backend(backend).deploy("sizes", TinyArtifacts.sizes());
  }

  @Test
  void answersATextWithLabelConfidenceAlternativesAndLatency() {
    try (Deployment live = spam()) {
      Answer answer = live.predict("won prize");
      assertThat(answer.model()).isEqualTo("spam-filter");
      assertThat(answer.version()).isEqualTo(TinyArtifacts.spam().weightsDigest().brief());
      assertThat(answer.label()).isEqualTo("spam");
      assertThat(answer.confidence()).isCloseTo(1 / (1 + Math.exp(-10)), Offset.offset(1e-5));
      assertThat(((Prediction.Label) answer.prediction()).alternatives())
          .singleElement()
          .satisfies(
              ham -> {
                assertThat(ham.label()).isEqualTo("ham");
                assertThat(ham.probability()).isCloseTo(4.54e-5, Offset.offset(1e-6));
              });
      assertThat(answer.latency()).isPositive();
      assertThat(live.predict("see you at lunch").label()).isEqualTo("ham");
    }
  }

  @Test
  void estimatesQuantitiesInTheUnitOfTheTarget() {
    try (Deployment live =
        Deployments.inProcess().backend(backend).deploy("prices", TinyArtifacts.prices())) {
      assertThat(live.predict(Map.of("area", 70)).value()).isCloseTo(310, Offset.offset(1e-3));
      assertThatThrownBy(() -> live.predict(Map.of("area", 70)).label())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("ask for value()");
    }
  }

  @Test
  void numberFormatThatTheBackendLacksIsRefused() {
    assertThatThrownBy(
            () ->
                Deployments.inProcess()
                    .backend(backend)
                    .precision(Precision.BF16)
                    .deploy("spam-filter", TinyArtifacts.spam()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessage(
            "Unsupported: the reference backend does not compute in BF16. Use precision F32");
  }

  @Test
  void concurrentCallersGetExactlyTheAnswersOfSingleCalls() throws Exception {
    int callers = 16;
    int calls = 40;
    ExecutorService pool = Executors.newFixedThreadPool(callers);
    try (Deployment live = sizes();
        Predictor alone = Predictor.of(TinyArtifacts.sizes(), backend)) {
      CountDownLatch together = new CountDownLatch(1);
      List<Future<?>> done = new ArrayList<>();
      for (int c = 0; c < callers; c++) {
        int caller = c;
        Callable<Void> calling =
            () -> {
              together.await();
              for (int i = 0; i < calls; i++) {
                Row row = Row.of(Map.of("size", caller + i / 10.0, "colour", "green"));
                assertThat(live.predict(row).prediction()).isEqualTo(alone.predict(row));
              }
              return null;
            };
        done.add(pool.submit(calling));
      }
      together.countDown();
      for (Future<?> one : done) {
        one.get();
      }
      assertThat(live.stats().answered()).isEqualTo((long) callers * calls);
      assertThat(live.stats().batches()).isLessThan((long) callers * calls);
      assertThat(live.stats().largestBatch()).isGreaterThan(1);
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void listsOfAnyLengthAreAnsweredInTheirOrder() {
    try (Deployment live = sizes()) {
      List<Row> rows =
          Stream.iterate(0, i -> i + 1)
              .limit(3_000)
              .map(i -> Row.of(Map.of("size", i % 2 == 0 ? 0 : 20, "colour", "green")))
              .toList();
      List<Answer> answers = live.predictAll(rows);
      assertThat(answers).hasSize(3_000);
      assertThat(answers.subList(0, 4))
          .extracting(Answer::label)
          .containsExactly("small", "large", "small", "large");
      assertThat(live.predictAll(List.of())).isEmpty();
    }
  }

  @Test
  void unknownCategoryNamesTheColumnAndTheKnownOnes() {
    try (Deployment live = sizes()) {
      assertThatThrownBy(() -> live.predict(Map.of("size", 1, "colour", "blue")))
          .isInstanceOfSatisfying(
              FormatException.class, e -> assertThat(e.column()).isEqualTo("colour"))
          .hasMessageContaining("'blue'")
          .hasMessageContaining("[red, green]");
      assertThat(live.stats().batches()).isZero();
    }
  }

  @Test
  void numbersMustBeFinite() {
    try (Deployment live = sizes()) {
      assertThatThrownBy(() -> live.predict(Map.of("size", Double.NaN, "colour", "red")))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("column 'size': expected a finite number, got 'NaN'");
    }
  }

  @Test
  void missingColumnIsAnErrorButNullIsAMissingCell() {
    try (Deployment live = sizes()) {
      assertThatThrownBy(() -> live.predict(Map.of("size", 1)))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("column 'colour': missing; send null");
      Map<String, Object> cells = new HashMap<>();
      cells.put("size", null);
      cells.put("colour", null);
      assertThat(live.predict(cells).confidence()).isEqualTo(0.5); // logits 0 and 0
    }
  }

  @Test
  void unknownColumnListsTheKnownOnes() {
    try (Deployment live = sizes()) {
      assertThatThrownBy(() -> live.predict(Row.of("weight", 3)))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("column 'weight': unknown column")
          .hasMessageContaining("size (number), colour (category)");
    }
  }

  @Test
  void badRowsOfAListAreAllNamedAndNothingIsPredicted() {
    try (Deployment live = sizes()) {
      Row good = Row.of(Map.of("size", 1, "colour", "red"));
      Row bad = Row.of(Map.of("size", 1, "colour", "blue"));
      Row text = Row.of(Map.of("size", "big", "colour", "red"));
      assertThatThrownBy(() -> live.predictAll(List.of(good, bad, text)))
          .isInstanceOfSatisfying(
              ValidationException.class, e -> assertThat(e.problems()).hasSize(2))
          .hasMessageContaining("row 1: input, column 'colour'")
          .hasMessageContaining("row 2: input, column 'size'");
      assertThat(live.stats().batches()).isZero();
    }
  }

  @Test
  void textAloneIsRefusedByAModelOfOtherColumns() {
    try (Deployment live = sizes()) {
      assertThatThrownBy(() -> live.predict("hello"))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("does not read a single text");
    }
  }

  @Test
  void closedDeploymentSaysSo() {
    Deployment live = spam();
    live.close();
    live.close();
    assertThatThrownBy(() -> live.predict("hello"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("spam-filter:")
        .hasMessageContaining("is closed");
  }

  @Test
  void withoutABackendItNamesTheArtifactToAdd() {
    assertThatThrownBy(() -> Deployments.inProcess().deploy("spam-filter", TinyArtifacts.spam()))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("io.athanor:backend-djl");
  }

  @Test
  void servesARegisteredVersion(@TempDir Path home) throws IOException {
    ModelVersion version = registered(home.resolve("model"));
    try (Deployment live = Deployments.inProcess().backend(backend).deploy(version)) {
      Answer answer = live.predict("won prize");
      assertThat(answer.label()).isEqualTo("spam");
      assertThat(live.model()).hasToString("spam-filter:3");
    }
  }

  @Test
  void refusesARegisteredVersionWithADamagedFile(@TempDir Path home) throws IOException {
    ModelVersion version = registered(home.resolve("model"));
    Path weights = home.resolve("model").resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    assertThatThrownBy(() -> Deployments.inProcess().backend(backend).deploy(version))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("model.safetensors")
        .hasMessageContaining("expected digest");
  }

  private static ModelVersion registered(Path folder) throws IOException {
    ArtifactFolder.write(TinyArtifacts.spam(), folder);
    List<Manifest.Entry> entries = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        entries.add(
            new Manifest.Entry(
                file.getFileName().toString(), Files.size(file), Digest.ofFile(file)));
      }
    }
    return ModelVersion.builder(
            new VersionId("spam-filter", 3),
            ModelVersion.Stamp.of(Instant.parse("2026-01-01T00:00:00Z"), new Principal("ann")),
            new Manifest(entries),
            () -> folder)
        .build();
  }
}
