package io.athanor.deploy.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.deploy.Deployments;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftFolder;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.TextGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterServingTest {
  private static final ModelArtifact BASE = TinyText.model();
  private static final GenerationSettings SIX =
      GenerationSettings.builder().maxNewTokens(6).build();

  private final GatedBackend backend = new GatedBackend();
  private final AdapterCatalog catalog = AdapterCatalog.of(3, "q", "v").resident(1);

  @AfterEach
  void release() {
    backend.permits.release(10_000);
    backend.close();
  }

  private TextDeployment live() {
    return Deployments.inProcess()
        .backend(backend)
        .maximumBatch(3)
        .adapters(catalog)
        .text("base", BASE);
  }

  /** One that changes other layers and has another rank than its neighbours. */
  private static PeftAdapter adapter(int number) {
    String[] layers =
        number % 2 == 0
            ? new String[] {"block0.q", "block0.v", "block1.q"}
            : new String[] {"block1.v"};
    return TinyText.adapter(number, 1 + number % 3, Optional.of(BASE), layers);
  }

  private static TextRequest request(String name) {
    return TextRequest.of("abc").settings(SIX).adapter(name);
  }

  private String merged(PeftAdapter adapter) {
    try (TextGenerator alone = TextGenerator.of(TinyText.merged(BASE, adapter), backend)) {
      return alone.generate("abc", SIX).text();
    }
  }

  @Test
  void requestsOfOneBatchEachGoThroughTheirOwnAdapter() {
    int count = 8;
    for (int i = 0; i < count; i++) {
      int number = i;
      catalog.add("style:" + i, () -> adapter(number));
    }
    Set<String> different = new HashSet<>();
    try (TextDeployment live = live()) {
      assertThat(live.adapters()).hasSize(count).contains("style:0", "style:7");
      String alone;
      try (TextGenerator base = TextGenerator.of(BASE, backend)) {
        alone = base.generate("abc", SIX).text();
      }
      for (int round = 0; round < 2; round++) {
        List<CompletableFuture<TextAnswer>> answers = new ArrayList<>();
        CompletableFuture<TextAnswer> plain =
            live.generateAsync(TextRequest.of("abc").settings(SIX), piece -> true);
        for (int i = 0; i < count; i++) {
          answers.add(live.generateAsync(request("style:" + i), piece -> true));
        }
        for (int i = 0; i < count; i++) {
          TextAnswer answer = answers.get(i).join();
          assertThat(answer.text()).as("adapter %s", i).isEqualTo(merged(adapter(i)));
          assertThat(answer.model() + ":" + answer.version()).isEqualTo("style:" + i);
          different.add(answer.text());
        }
        assertThat(plain.join().text()).isEqualTo(alone);
        assertThat(plain.join().model()).isEqualTo("base");
      }
      assertThat(different).hasSizeGreaterThan(3);
    }
  }

  @Test
  void adapterIsReadWhenFirstAskedForAndStays() {
    AtomicInteger reads = new AtomicInteger();
    catalog.add(
        "style:1",
        () -> {
          reads.incrementAndGet();
          return adapter(1);
        });
    try (TextDeployment live = live()) {
      assertThat(reads).hasValue(0);
      live.generate(request("style:1"));
      int written = backend.replaced;
      live.generate(request("style:1"));
      live.generate(TextRequest.of("abc").settings(SIX));
      live.generate(request("style:1"));
      assertThat(reads).hasValue(1);
      assertThat(backend.replaced).isEqualTo(written);
    }
  }

  @Test
  void callersAtTheSameTimeReadAnAdapterOnce() throws Exception {
    AtomicInteger reads = new AtomicInteger();
    CountDownLatch second = new CountDownLatch(1);
    catalog.add(
        "style:1",
        () -> {
          reads.incrementAndGet();
          Latches.await(second);
          return adapter(1);
        });
    try (TextDeployment live = live()) {
      List<CompletableFuture<TextAnswer>> answers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        answers.add(CompletableFuture.supplyAsync(() -> live.generate(request("style:1"))));
      }
      second.countDown();
      for (CompletableFuture<TextAnswer> answer : answers) {
        assertThat(answer).succeedsWithin(Duration.ofSeconds(20));
      }
      assertThat(reads).hasValue(1);
    }
  }

  @Test
  void adapterThatCannotBeReadIsTriedAgain() {
    AtomicInteger reads = new AtomicInteger();
    catalog.add(
        "style:1",
        () -> {
          if (reads.incrementAndGet() == 1) {
            throw new FormatException("adapter", "cut off");
          }
          return adapter(1);
        });
    try (TextDeployment live = live()) {
      assertThatThrownBy(() -> live.generate(request("style:1")))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("cut off");
      assertThat(live.generate(request("style:1")).text()).isEqualTo(merged(adapter(1)));
    }
  }

  @Test
  void unknownAdapterNamesSomeThatAreThereAndComingOrGoingNeedsNoRestart() {
    for (int i = 0; i < 20; i++) {
      catalog.add("style:" + i, () -> adapter(1));
    }
    try (TextDeployment live = live()) {
      assertThatThrownBy(() -> live.generate(request("style:99")))
          .isInstanceOf(NotFoundException.class)
          .hasMessageContaining("No adapter 'style:99'; there is style:0, style:1")
          .hasMessageContaining("the first of 20");
      catalog.add("style:99", () -> adapter(2));
      assertThat(live.generate(request("style:99")).text()).isEqualTo(merged(adapter(2)));
      assertThat(catalog.remove("style:99")).isTrue();
      assertThatThrownBy(() -> live.generate(request("style:99")))
          .isInstanceOf(NotFoundException.class);
    }
  }

  @Test
  void adapterOfThatNameAddedAnewIsReadAnew() {
    catalog.add("style:1", () -> adapter(1));
    try (TextDeployment live = live()) {
      live.generate(request("style:1"));
      catalog.add("style:1", () -> adapter(2));
      assertThat(live.generate(request("style:1")).text()).isEqualTo(merged(adapter(2)));
    }
  }

  @Test
  void adapterOfAnotherBaseIsRefused() {
    ModelArtifact other = TinyText.model(4, Optional.empty());
    catalog.add("other:1", () -> TinyText.adapter(1, 1, Optional.of(other), "block0.q"));
    try (TextDeployment live = live()) {
      assertThatThrownBy(() -> live.generate(request("other:1")))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("it was made with weights of digest")
          .hasMessageContaining(BASE.weightsDigest().brief());
      assertThat(live.generate(TextRequest.of("abc").settings(SIX)).text()).hasSize(6);
    }
  }

  @Test
  void adapterWithoutRoomSaysWhatToDo() {
    catalog.add("wide:1", () -> TinyText.adapter(1, 4, Optional.of(BASE), "block0.q"));
    catalog.add("else:1", () -> TinyText.adapter(1, 1, Optional.of(BASE), "block0.up"));
    try (TextDeployment live = live()) {
      assertThatThrownBy(() -> live.generate(request("wide:1")))
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("has rank 4, and there is room for 3");
      assertThatThrownBy(() -> live.generate(request("else:1")))
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("changes 'block0.up', which has no room");
    }
  }

  @Test
  void baseWithoutTheLayersIsRefused() {
    InProcess serving =
        Deployments.inProcess().backend(backend).adapters(AdapterCatalog.of(2, "q_proj"));
    assertThatThrownBy(() -> serving.text("base", BASE))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("has no linear layer for 0 adapters of rank 2 or less on [q_proj]");
  }

  @Test
  void registeredFolderOfPeftIsCheckedAndServed(@TempDir Path home) throws IOException {
    catalog.add(registered("polite", adapter(2), home.resolve("one")));
    ModelVersion damaged = registered("rude", adapter(1), home.resolve("two"));
    Path weights = home.resolve("two").resolve("adapter_model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    catalog.add(damaged);
    try (TextDeployment live = live()) {
      assertThat(live.generate(request("polite:3")).text()).isEqualTo(merged(adapter(2)));
      assertThatThrownBy(() -> live.generate(request("rude:3")))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("adapter_model.safetensors")
          .hasMessageContaining("expected digest");
    }
  }

  private static ModelVersion registered(String name, PeftAdapter adapter, Path folder)
      throws IOException {
    PeftFolder.write(adapter, folder);
    List<Manifest.Entry> entries = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        entries.add(
            new Manifest.Entry(
                file.getFileName().toString(), Files.size(file), Digest.ofFile(file)));
      }
    }
    return ModelVersion.builder(
            new VersionId(name, 3),
            ModelVersion.Stamp.of(Instant.parse("2026-01-01T00:00:00Z"), new Principal("ann")),
            new Manifest(entries),
            () -> folder)
        .build();
  }
}
