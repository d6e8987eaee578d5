package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Relation;
import io.athanor.api.registry.VersionState;
import io.athanor.api.training.Lora;
import io.athanor.api.training.Tuning;
import io.athanor.data.TextSplit;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.AdapterCatalog;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.Models;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.TextGenerator;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.tuning.Adapter;
import io.athanor.training.tuning.Adapters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegisteredAdaptersTest {
  private static final Lora LORA = Lora.rank(2).alpha(4).targets("q_proj", "down_proj");
  private static final GenerationSettings FOUR =
      GenerationSettings.builder().maxNewTokens(4).build();

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final AdapterCatalog catalog = AdapterCatalog.of(2, "q_proj", "down_proj").resident(4);

  @TempDir private Path home;
  private ModelRegistry registry;
  private ModelArtifact model;
  private ModelArtifact tuned;
  private ModelVersion base;

  @BeforeEach
  void train() throws IOException {
    registry = ModelRegistry.open(home.resolve("models"));
    model = training(Training.of(Models.llama(1, 8, 2, 1, 16), counting(1))).run().model();
    tuned = tuned(model, LORA);
    base = registry.register("letters", model);
  }

  @AfterEach
  void close() {
    registry.close();
    backend.close();
  }

  private Training training(Training of) {
    return of.backend(backend).batchSize(4).epochs(2).learningRate(0.02).seed(5);
  }

  private ModelArtifact tuned(ModelArtifact of, Tuning tuning) throws IOException {
    return training(Training.of(of, counting(2))).tuning(tuning).run().model();
  }

  private TextSplit counting(int by) throws IOException {
    return CountingLetters.by(by, home);
  }

  /** Like the trained one, and says something else. */
  private ModelArtifact variant(int number) {
    Adapter trained = Adapters.extract(tuned);
    SplittableRandom random = new SplittableRandom(number);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    trained
        .tensors()
        .forEach(
            (name, tensor) -> {
              float[] values = new float[Math.toIntExact(tensor.elements())];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextDouble(-1, 1);
              }
              tensors.put(name, Tensor.ofFloats(values, tensor.shape()));
            });
    return Adapters.attach(model, new Adapter(trained.tuning(), tensors, trained.base()));
  }

  private TextDeployment live() {
    RegisteredAdapters.of(registry, base).into(catalog);
    return Deployments.inProcess().backend(backend).maximumBatch(4).adapters(catalog).text(base);
  }

  private static TextRequest request(String adapter) {
    return TextRequest.of("a b").settings(FOUR).adapter(adapter);
  }

  private String merged(ModelArtifact adapted) {
    try (TextGenerator alone = TextGenerator.of(Adapters.merge(adapted), backend)) {
      return alone.generate("a b", FOUR).text();
    }
  }

  private void serves(int count, int checked) {
    ModelVersion trained = registry.register("trained", tuned);
    assertThat(trained.parent()).contains(base.id());
    for (int i = 1; i < count; i++) {
      assertThat(registry.register("style", variant(i)).number()).isEqualTo(i);
    }
    Set<String> different = new HashSet<>();
    try (TextDeployment live = live()) {
      assertThat(live.adapters()).hasSize(count).contains("trained:1", "style:1");
      List<CompletableFuture<TextAnswer>> answers = new ArrayList<>();
      for (int i = 1; i < count; i++) {
        answers.add(live.generateAsync(request("style:" + i), piece -> true));
      }
      for (int i = 1; i < count; i++) {
        TextAnswer answer = answers.get(i - 1).join();
        assertThat(answer.model() + ":" + answer.version()).isEqualTo("style:" + i);
        if (i <= checked) {
          assertThat(answer.text()).as("style:%s", i).isEqualTo(merged(variant(i)));
        }
        different.add(answer.text());
      }
      assertThat(live.generate(request("trained:1")).text()).isEqualTo(merged(tuned));
      TextAnswer plain = live.generate(TextRequest.of("a b").settings(FOUR));
      assertThat(plain.model()).isEqualTo("letters");
    }
    assertThat(different).hasSizeGreaterThan(3);
  }

  @Test
  void adaptersOfABaseAreServedByItAndSayWhatTheySayMerged() {
    serves(12, 12);
  }

  @Test
  @Tag("heavy")
  void aThousandAdaptersAreServedByOneDeployment() {
    serves(1_000, 100);
  }

  @Test
  void foldersOfPeftAreServedBesideTunedModels() {
    Path folder = home.resolve("polite");
    PeftAdapters.save(variant(1), "letters", folder);
    registry.registration("polite", folder).parent(base, Relation.ADAPTER).register();
    registry.register("style", variant(2));
    try (TextDeployment live = live()) {
      assertThat(live.generate(request("polite:1")).text()).isEqualTo(merged(variant(1)));
      assertThat(live.generate(request("style:1")).text()).isEqualTo(merged(variant(2)));
    }
  }

  @Test
  void onlyAdaptersInUseAreTakenAndLaterOnesWhenAskedAgain() throws IOException {
    registry.register("merged", Adapters.merge(tuned));
    registry.register("letters", training(Training.of(model, counting(3))).run().model());
    ModelVersion old = registry.register("style", variant(1));
    registry.changeState(old, VersionState.ARCHIVED).because("too rude").apply();
    registry.register("style", variant(2));
    try (TextDeployment live = live()) {
      assertThat(live.adapters()).containsExactly("style:2");
      assertThatThrownBy(() -> live.generate(request("style:3")))
          .isInstanceOf(NotFoundException.class)
          .hasMessageContaining("No adapter 'style:3'; there is style:2");

      registry.register("style", variant(3));
      RegisteredAdapters.of(registry, base).into(catalog);
      assertThat(live.generate(request("style:3")).text()).isEqualTo(merged(variant(3)));
    }
  }

  @Test
  void adapterOfAnotherBaseIsRefusedAndTheOthersGoOn() throws IOException {
    ModelArtifact other = training(Training.of(model, counting(3))).run().model();
    registry.registration("foreign", tuned(other, LORA)).parent(base, Relation.ADAPTER).register();
    registry.register("style", variant(1));
    try (TextDeployment live = live()) {
      assertThatThrownBy(() -> live.generate(request("foreign:1")))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("adapter foreign:1 for this base")
          .hasMessageContaining("it was made with weights of digest");
      assertThat(live.generate(request("style:1")).text()).isEqualTo(merged(variant(1)));
    }
  }

  @Test
  void damagedAdapterIsRefused() throws IOException {
    ModelVersion version = registry.register("style", variant(1));
    Path weights = version.folder().resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.delete(weights);
    Files.write(weights, bytes);
    try (TextDeployment live = live()) {
      assertThatThrownBy(() -> live.generate(request("style:1")))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("model.safetensors")
          .hasMessageContaining("expected digest");
    }
  }

  @Test
  void adapterThatTrainedWholeLayersSaysThatItMustBeMerged() throws IOException {
    registry.register("headed", tuned(model, LORA.alsoTrain("lm_head")));
    try (TextDeployment live = live()) {
      assertThatThrownBy(() -> live.generate(request("headed:1")))
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("the adapter headed:1 replaces [lm_head.weight] as a whole")
          .hasMessageContaining("Merge it into its base");
    }
  }
}
