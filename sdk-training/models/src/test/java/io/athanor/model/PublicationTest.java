package io.athanor.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.api.model.SafeTensors;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.model.format.PretrainedModel;
import io.athanor.tck.fixture.TinyArtifacts;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PublicationTest {
  private static final WordTokenizer TOKENIZER =
      WordTokenizer.fit(IntStream.range(0, 59).mapToObj(i -> "word" + i).toList(), 61, 1);
  private static final LanguageEncoding GENERATION =
      new LanguageEncoding(
          new Task.Generation("text"),
          TOKENIZER,
          16,
          List.of(2),
          Optional.of("{{ messages }}"),
          Map.of("eos_token", "word0"));
  private static final FeatureEncoding CLASSIFICATION =
      new FeatureEncoding(
          List.of(new Encoder.Text("body", 16)),
          new TargetEncoder.Label("label", List.of("a", "b", "c")),
          Optional.of(TOKENIZER));

  @TempDir Path folder;

  static Stream<String> cases() {
    return Stream.concat(ParityCase.GENERATION.stream(), ParityCase.CLASSIFICATION.stream());
  }

  private static Encoding encoding(String name) {
    return ParityCase.GENERATION.contains(name) ? GENERATION : CLASSIFICATION;
  }

  private static ModelArtifact artifact(Architecture model, Encoding encoding) {
    Graph graph = model.graph(encoding.signature());
    Provenance provenance =
        new Provenance(Instant.EPOCH, 1, "{}", List.of(), Optional.empty(), Map.of());
    return new ModelArtifact(
        model.name(),
        model.config(),
        graph,
        model.weights(graph, 1),
        encoding,
        Map.of(),
        provenance);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void tensorsGoBackUnderTheNamesAndWithTheBitsTheyCameWith(String name) {
    Path origin = ParityCase.folder(name);
    ModelArtifact artifact = artifact(Models.huggingFace(origin), encoding(name));
    ArtifactFolder.write(artifact, folder.resolve("kept"));

    HuggingFaceFolder.write(
        Pretrained.published(ArtifactFolder.read(folder.resolve("kept"))),
        folder.resolve("published"));

    Map<String, Tensor> published =
        SafeTensors.read(folder.resolve("published/model.safetensors")).tensors();
    assertThat(published)
        .containsExactlyInAnyOrderEntriesOf(
            SafeTensors.read(origin.resolve("model.safetensors")).tensors());
    Map<String, Object> before = HuggingFaceFolder.read(origin).config();
    PretrainedModel after = HuggingFaceFolder.read(folder.resolve("published"));
    assertThat(after.config())
        .containsEntry("architectures", before.get("architectures"))
        .containsEntry("model_type", before.get("model_type"))
        .containsEntry("vocab_size", ParityCase.VOCABULARY);
    assertThat(after.tokenizer()).contains(TOKENIZER.json());
  }

  @Test
  void labelsAndPaddingGoIntoTheConfiguration() {
    Architecture model = Models.huggingFace(ParityCase.folder("llama-classification"));

    Map<String, Object> config = Pretrained.published(artifact(model, CLASSIFICATION)).config();

    assertThat(config)
        .containsEntry("id2label", Map.of("0", "a", "1", "b", "2", "c"))
        .containsEntry("label2id", Map.of("a", 0, "b", 1, "c", 2))
        .containsEntry("pad_token_id", TOKENIZER.paddingId());
  }

  @Test
  void aNullThatTurnsSomethingOffSurvives() {
    PretrainedModel origin = HuggingFaceFolder.read(ParityCase.folder("mistral"));
    Map<String, Object> config = new java.util.LinkedHashMap<>(origin.config());
    config.put("sliding_window", null);
    PretrainedModel changed =
        new PretrainedModel(
            "changed", config, origin.tensors(), Optional.empty(), Optional.empty(), Map.of());
    ModelArtifact artifact = artifact(Models.pretrained(changed), GENERATION);
    ArtifactFolder.write(artifact, folder.resolve("kept"));

    PretrainedModel after = Pretrained.published(ArtifactFolder.read(folder.resolve("kept")));

    assertThat(after.config()).containsEntry("sliding_window", null);
    assertThat(Models.pretrained(after).graph(GENERATION.signature())).isEqualTo(artifact.graph());
  }

  @Test
  void aNewLlamaIsPublishedAsOneThatCanBeReadAgain() {
    Architecture model = Models.llama(2, 16, 4, 2, 24).contextLength(32).tied(true).ropeBase(5000);
    ModelArtifact artifact = artifact(model, GENERATION);

    HuggingFaceFolder.write(Pretrained.published(artifact), folder.resolve("published"));
    Pretrained again = Models.huggingFace(folder.resolve("published"));

    Graph graph = again.graph(GENERATION.signature());
    assertThat(graph).isEqualTo(artifact.graph());
    assertThat(again.weights(graph, 9)).isEqualTo(artifact.weights());
    assertThat(again.encoding(GENERATION.task(), 16)).isEqualTo(GENERATION);
    assertThat(again.contextLength()).isEqualTo(32);
  }

  @Test
  void parametersWithoutAPlaceAreRefused() {
    Architecture model = Models.huggingFace(ParityCase.folder("llama"));
    Graph other = Models.llama(3, 16, 4, 2, 24).graph(GENERATION.signature());
    ModelArtifact good = artifact(model, GENERATION);
    ModelArtifact odd =
        new ModelArtifact(
            good.architecture(),
            good.config(),
            other,
            Weights.initialize(other, 1),
            GENERATION,
            Map.of(),
            good.provenance());

    assertThatThrownBy(() -> Pretrained.published(odd))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("model.layers.2.")
        .hasMessageContaining("Merge its adapters first");
  }

  @Test
  void modelsOfOtherKindsAreRefused() {
    assertThatThrownBy(() -> Pretrained.published(TinyArtifacts.spam()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("'model_type' is 'tiny-spam'")
        .hasMessageContaining("llama");
  }
}
