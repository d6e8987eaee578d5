package io.athanor.deploy.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Digest;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.ResidentModels.Loan;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResidentModelsTest {
  private static final VersionId ONE = new VersionId("spam", 1);
  private static final VersionId TWO = new VersionId("spam", 2);
  private static final VersionId THREE = new VersionId("spam", 3);

  /** Four bytes for each number. */
  private static final long BYTES =
      4
          * TinyArtifacts.spam().weights().tensors().values().stream()
              .mapToLong(tensor -> tensor.elements())
              .sum();

  @TempDir Path home;

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final ConcurrentLinkedQueue<VersionId> loads = new ConcurrentLinkedQueue<>();

  @AfterEach
  void closeBackend() {
    backend.close();
  }

  private ResidentModels models(long budget) {
    return ResidentModels.within(budget, this::find, Deployments.inProcess().backend(backend));
  }

  private ModelVersion find(VersionId id) {
    loads.add(id);
    return version(id, TinyArtifacts.spam());
  }

  private ModelVersion version(VersionId id, ModelArtifact model) {
    Path folder = home.resolve(id.name() + id.number());
    try {
      if (!Files.exists(folder)) {
        ArtifactFolder.write(model, folder);
      }
      List<Manifest.Entry> entries = new ArrayList<>();
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          entries.add(
              new Manifest.Entry(
                  file.getFileName().toString(), Files.size(file), Digest.ofFile(file)));
        }
      }
      Instant created = Instant.parse("2026-01-01T00:00:00Z");
      return ModelVersion.builder(
              id,
              ModelVersion.Stamp.of(created, new Principal("ann")),
              new Manifest(entries),
              () -> folder)
          .build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void ask(ResidentModels models, VersionId id) {
    try (Loan<InProcessDeployment> loan = models.borrow(id, InProcessDeployment.class)) {
      assertThat(loan.model().predict("won prize").version())
          .isEqualTo(Integer.toString(id.number()));
    }
  }

  @Test
  void modelIsLoadedOnceAndStays() {
    try (ResidentModels models = models(2 * BYTES)) {
      ask(models, ONE);
      ask(models, ONE);
      assertThat(loads).containsExactly(ONE);
      assertThat(models.resident()).containsExactly(Map.entry(ONE, BYTES));
    }
  }

  @Test
  void longestUnusedMakesRoom() {
    try (ResidentModels models = models(2 * BYTES)) {
      ask(models, ONE);
      ask(models, TWO);
      ask(models, ONE);
      ask(models, THREE);
      assertThat(models.resident().keySet()).containsExactly(ONE, THREE);
      ask(models, TWO);
      assertThat(models.resident().keySet()).containsExactly(THREE, TWO);
      assertThat(loads).containsExactly(ONE, TWO, THREE, TWO);
    }
  }

  @Test
  @SuppressWarnings("try") // given back by hand, and twice
  void modelInUseNeverLeaves() {
    try (ResidentModels models = models(BYTES);
        Loan<InProcessDeployment> loan = models.borrow(ONE, InProcessDeployment.class)) {
      assertThatThrownBy(() -> models.borrow(TWO, LiveModel.class))
          .isInstanceOfSatisfying(BackendException.class, e -> assertThat(e.retryable()).isTrue())
          .hasMessageContaining("spam:2 needs " + BYTES + " bytes")
          .hasMessageContaining("others in use");
      assertThat(loan.model().predict("won prize").label()).isEqualTo("spam");
      loan.close();
      loan.close();
      ask(models, TWO);
      assertThatThrownBy(() -> loan.model().predict("won prize"))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void modelLargerThanTheBudgetIsRefusedAndNobodyLeaves() {
    try (ResidentModels models = models(BYTES - 1)) {
      assertThatThrownBy(() -> models.borrow(ONE, LiveModel.class))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("its weights take " + BYTES + " bytes")
          .hasMessageContaining("the budget is " + (BYTES - 1));
      assertThat(models.resident()).isEmpty();
    }
  }

  @Test
  void callersAtTheSameTimeLoadOnceAndHearOfAFailureTogether() throws Exception {
    int callers = 4;
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    InProcess serving = Deployments.inProcess().backend(backend);
    ConcurrentLinkedQueue<VersionId> tried = new ConcurrentLinkedQueue<>();
    ResidentModels models =
        ResidentModels.within(
            BYTES,
            id -> {
              tried.add(id);
              asked.countDown();
              Latches.await(go);
              if (tried.size() == 1) {
                throw new StorageException("disk", "is away", new IOException("away"));
              }
              return find(id);
            },
            serving);
    try (models) {
      List<CompletableFuture<Void>> calls = new ArrayList<>();
      calls.add(CompletableFuture.runAsync(() -> ask(models, ONE)));
      asked.await();
      List<Thread> waiting = new ArrayList<>();
      List<CompletableFuture<Void>> others = new ArrayList<>();
      for (int i = 1; i < callers; i++) {
        CompletableFuture<Void> call = new CompletableFuture<>();
        Thread thread =
            new Thread(
                () -> {
                  try {
                    ask(models, ONE);
                    call.complete(null);
                  } catch (RuntimeException e) {
                    call.completeExceptionally(e);
                  }
                });
        thread.start();
        waiting.add(thread);
        others.add(call);
      }
      for (Thread thread : waiting) {
        while (thread.getState() != Thread.State.WAITING) {
          Thread.onSpinWait();
        }
      }
      go.countDown();
      calls.addAll(others);
      for (CompletableFuture<Void> call : calls) {
        assertThat(call)
            .failsWithin(Duration.ofSeconds(20))
            .withThrowableThat()
            .havingRootCause()
            .withMessageContaining("away");
      }
      assertThat(tried).hasSize(1);
      assertThat(models.resident()).isEmpty();
      ask(models, ONE);
      assertThat(tried).hasSize(2);
    }
  }

  @Test
  void modelThatDoesSomethingElseIsNotLent() {
    try (ResidentModels models = models(BYTES)) {
      assertThatThrownBy(() -> models.borrow(ONE, TextDeployment.class))
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("spam:1 is no TextDeployment, its task is");
      ask(models, TWO);
    }
  }

  @Test
  void closingClosesAllAndLendsNoMore() {
    ResidentModels models = models(BYTES);
    Loan<InProcessDeployment> loan = models.borrow(ONE, InProcessDeployment.class);
    models.close();
    models.close();
    assertThatThrownBy(() -> loan.model().predict("won prize"))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> models.borrow(ONE, LiveModel.class))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    loan.close();
  }
}
