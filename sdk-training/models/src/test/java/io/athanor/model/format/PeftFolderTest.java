package io.athanor.model.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.SafeTensors;
import io.athanor.model.format.PeftMethod.LoraSettings;
import io.athanor.model.format.PeftMethod.PromptSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PeftFolderTest {
  private static final String BERT = "peft/lora-bert-classifier";
  private static final String LLAMA = "peft/rslora-llama";
  private static final String PROMPT = "peft/prompt-llama";

  @TempDir Path temporary;

  private static PeftAdapter read(String fixture) {
    return PeftFolder.read(Fixtures.folder(fixture));
  }

  private static LoraSettings lora(PeftAdapter adapter) {
    return (LoraSettings) adapter.method();
  }

  /** A copy whose configuration has one entry replaced or added. */
  private Path changed(String fixture, String entry, String value) throws IOException {
    Path folder = temporary.resolve("changed");
    if (!Files.exists(folder)) {
      Fixtures.copy(fixture, folder);
    }
    Path config = folder.resolve("adapter_config.json");
    ObjectNode json =
        (ObjectNode) io.athanor.api.common.JsonFields.tree("", Files.readString(config));
    json.set(entry, io.athanor.api.common.JsonFields.tree("", value));
    Files.writeString(config, json.toString());
    return folder;
  }

  @ParameterizedTest
  @CsvSource({
    BERT + ", base_model.model.",
    "peft/lora-gpt2, base_model.model.",
    LLAMA + ", base_model.model.",
    "peft/dora-llama, base_model.model.",
    "peft/regex-llama, base_model.model.",
    PROMPT + ", ''",
    "peft/prompt-bert-classifier, base_model.",
  })
  void theTensorsAreThoseThatPeftWroteUnderTheBasesNames(String fixture, String prefix) {
    JsonNode expected = Fixtures.expected(fixture);
    ObjectNode unprefixed = JsonNodeFactory.instance.objectNode();
    expected
        .properties()
        .forEach(
            item ->
                unprefixed.set(
                    item.getKey().startsWith(prefix)
                        ? item.getKey().substring(prefix.length())
                        : item.getKey(),
                    item.getValue()));

    PeftAdapter adapter = read(fixture);

    Fixtures.assertSame(adapter.tensors(), unprefixed);
    assertThat(adapter.baseDigest()).isEmpty();
    assertThat(adapter.base()).isEmpty();
  }

  @Test
  void aClassifierBringsTheModulesThatWereTrainedAsAWhole() {
    PeftAdapter adapter = read(BERT);

    LoraSettings lora = lora(adapter);
    assertThat(lora.targetModules()).containsExactlyInAnyOrder("query", "value");
    assertThat(lora)
        .isEqualTo(
            new LoraSettings(
                2, 4, 0.1, lora.targetModules(), false, false, false, Map.of(), Map.of()));
    assertThat(adapter.task()).contains("SEQ_CLS");
    assertThat(adapter.savedModules()).containsExactly("classifier", "score");
    assertThat(adapter.tensors()).containsKeys("classifier.weight", "classifier.bias");
    assertThat(adapter.modules())
        .containsExactly(
            "bert.encoder.layer.0.attention.self.query",
            "bert.encoder.layer.0.attention.self.value",
            "bert.encoder.layer.1.attention.self.query",
            "bert.encoder.layer.1.attention.self.value");
  }

  @Test
  void patternsGiveSomeModulesAnotherRankAndScale() {
    LoraSettings lora = lora(read(LLAMA));

    assertThat(lora.rsLora()).isTrue();
    assertThat(lora.rank("model.layers.0.self_attn.q_proj")).isEqualTo(3);
    assertThat(lora.scale("model.layers.0.self_attn.q_proj"))
        .isCloseTo(9 / Math.sqrt(3), within(1e-12));
    assertThat(lora.rank("model.layers.0.self_attn.k_proj")).isEqualTo(2);
    assertThat(lora.scale("model.layers.0.self_attn.k_proj"))
        .isCloseTo(4 / Math.sqrt(2), within(1e-12));
    assertThat(lora.targetModules()).hasSize(14).contains("model.layers.1.mlp.up_proj");
    LoraSettings plain =
        new LoraSettings(
            8, 16, 0, List.of("q"), false, false, false, Map.of("^q", 4, "b.q", 2), Map.of());
    assertThat(plain.rank("q")).isEqualTo(4);
    assertThat(plain.rank("a.b.q")).isEqualTo(2);
    assertThat(plain.rank("ab.q")).isEqualTo(8);
    assertThat(plain.scale("a.b.q")).isEqualTo(8);
    assertThat(plain.scale("other")).isEqualTo(2);
  }

  @Test
  void theOtherSettingsAreKept() {
    assertThat(lora(read("peft/lora-gpt2")).fanInFanOut()).isTrue();
    assertThat(lora(read("peft/dora-llama")).dora()).isTrue();
    assertThat(read(PROMPT).method()).isEqualTo(new PromptSettings(5, 16));
    assertThat(read("peft/prompt-bert-classifier").tensors())
        .containsOnlyKeys("prompt_embeddings", "classifier.weight", "classifier.bias");
  }

  @Test
  void modulesChosenByARegularExpressionOrByLayerAreNamedOneByOne() throws IOException {
    assertThat(lora(read("peft/regex-llama")).targetModules())
        .hasSize(7)
        .allMatch(module -> module.startsWith("model.layers.1."));
    assertThat(
            lora(PeftFolder.read(changed("peft/lora-gpt2", "layers_to_transform", "[0,1]")))
                .targetModules())
        .containsExactly("transformer.h.0.attn.c_attn", "transformer.h.1.attn.c_attn");
    assertThat(
            lora(PeftFolder.read(changed("peft/lora-gpt2", "target_modules", "\"all-linear\"")))
                .targetModules())
        .hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        BERT,
        "peft/lora-gpt2",
        LLAMA,
        "peft/dora-llama",
        "peft/regex-llama",
        PROMPT,
        "peft/prompt-bert-classifier"
      })
  void whatIsWrittenIsReadAgainAndHasTheNamesThatPeftGives(String fixture) {
    PeftAdapter adapter = read(fixture);
    Path written = temporary.resolve("written");

    PeftFolder.write(adapter, written);

    PeftAdapter again = PeftFolder.read(written);
    assertThat(again.method()).isEqualTo(adapter.method());
    assertThat(again.task()).isEqualTo(adapter.task());
    assertThat(again.savedModules()).isEqualTo(adapter.savedModules());
    assertThat(again.tensors()).isEqualTo(adapter.tensors());
    assertThat(again.baseDigest()).isEmpty();
    assertThat(SafeTensors.read(written.resolve("adapter_model.safetensors")).tensors())
        .isEqualTo(
            SafeTensors.read(Fixtures.folder(fixture).resolve("adapter_model.safetensors"))
                .tensors());
  }

  /** The base of the fixtures, with linear weights as [out, in]. */
  private static Weights base(String fixture) {
    return Weights.of(HuggingFaceFolder.read(Fixtures.folder(fixture)).tensors());
  }

  @Test
  void anAdapterFitsTheBaseItWasMadeForInEitherPrecision() {
    Weights half = base("hf/llama-sharded");
    Weights wide =
        Weights.of(HuggingFaceFolder.read(Fixtures.folder("hf/llama-sharded")).widened().tensors());
    Path written = temporary.resolve("written");

    PeftFolder.write(read(LLAMA).madeFor(half), written);
    PeftAdapter adapter = PeftFolder.read(written);

    assertThat(adapter.baseDigest()).isPresent();
    adapter.requireFit(half);
    adapter.requireFit(wide);
    read(PROMPT).madeFor(wide).requireFit(half);
    read(BERT).madeFor(base("hf/bert-classifier")).requireFit(base("hf/bert-classifier"));
  }

  @Test
  void anAdapterForOtherWeightsIsRefused() {
    PeftAdapter adapter = read(LLAMA).madeFor(base("hf/llama-sharded"));
    Map<String, Tensor> other = new LinkedHashMap<>(base("hf/llama-sharded").tensors());
    float[] norm = FloatConversion.convert(other.get("model.norm.weight"), DType.F32).floats();
    norm[15] += 1;
    other.put("model.norm.weight", Tensor.ofFloats(norm, 16));

    assertThatThrownBy(() -> adapter.requireFit(Weights.of(other)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("it was made with weights of digest")
        .hasMessageContaining(adapter.baseDigest().orElseThrow().brief())
        .hasMessageContaining("load the model it was made for");
  }

  @Test
  void aNewHeadDoesNotMakeTheBaseAnotherOne() {
    PeftAdapter adapter = read(BERT).madeFor(base("hf/bert-classifier"));
    Map<String, Tensor> fresh = new LinkedHashMap<>(base("hf/bert-classifier").tensors());
    fresh.put("classifier.weight", Tensor.ofFloats(new float[48], 3, 16));

    adapter.requireFit(Weights.of(fresh));
  }

  @Test
  void anAdapterForAnotherModelIsRefusedWithItsModulesAndShapes() {
    assertThatThrownBy(() -> read(BERT).requireFit(base("hf/llama-sharded")))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the model has no 'classifier.weight'")
        .hasMessageContaining(
            "the model has no 'bert.encoder.layer.0.attention.self.query.weight'");
    Map<String, Tensor> narrow = new LinkedHashMap<>(base("hf/llama-sharded").tensors());
    narrow.put("model.layers.0.mlp.up_proj.weight", Tensor.ofFloats(new float[64], 8, 8));
    assertThatThrownBy(() -> read(LLAMA).requireFit(Weights.of(narrow)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "it is for 'model.layers.0.mlp.up_proj.weight' [32, 16], the model has F32[8, 8]");
    narrow.put("model.embed_tokens.weight", Tensor.ofFloats(new float[64], 8, 8));
    assertThatThrownBy(() -> read(PROMPT).requireFit(Weights.of(narrow)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("virtual tokens are 16 wide, and 'model.embed_tokens.weight' is F32");
    assertThatThrownBy(() -> read(LLAMA).requireFit(Weights.of(Map.of())))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("and 2 more");
  }

  @Test
  void theDigestOfABaseIsOfItsNamesShapesAndValuesOnly() {
    Map<String, Tensor> forward = new LinkedHashMap<>();
    forward.put("a.weight", Tensor.ofFloats(new float[] {1, 2}, 2));
    forward.put("b.weight", Tensor.ofFloats(new float[] {3}, 1));
    Map<String, Tensor> backward = new LinkedHashMap<>();
    backward.put("b.weight", FloatConversion.convert(forward.get("b.weight"), DType.BF16));
    backward.put("a.weight", forward.get("a.weight"));

    Digest digest = PeftAdapter.digest(Weights.of(forward), List.of());

    assertThat(digest).isEqualTo(Weights.of(forward).digest());
    assertThat(PeftAdapter.digest(Weights.of(backward), List.of())).isEqualTo(digest);
    backward.put("a.weight", Tensor.ofFloats(new float[] {1, 2}, 2, 1));
    assertThat(PeftAdapter.digest(Weights.of(backward), List.of())).isNotEqualTo(digest);
    assertThat(PeftAdapter.digest(Weights.of(forward), List.of("b")))
        .isEqualTo(
            PeftAdapter.digest(Weights.of(Map.of("a.weight", forward.get("a.weight"))), List.of()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "bias | \"all\" | trained biases (bias \"all\")",
        "lora_bias | true | the setting 'lora_bias'",
        "use_qalora | true | the setting 'use_qalora'",
        "target_parameters | [\"experts\"] | the setting 'target_parameters'",
        "trainable_token_indices | [1] | the setting 'trainable_token_indices'",
        "layer_replication | [[0,1]] | the setting 'layer_replication'",
        "rank_pattern | {\"(a+)+$\":2} | the pattern '(a+)+$' of an adapter is a regular expression",
        "peft_type | \"IA3\" | adapters of the type IA3. Use one of LORA and PROMPT_TUNING",
      })
  void whatIsNotUnderstoodIsRefusedByName(String entry, String value, String message)
      throws IOException {
    Path folder = changed("peft/lora-gpt2", entry, value);

    assertThatThrownBy(() -> PeftFolder.read(folder))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "r | 3 | must have A [r, in] and B [out, r] of rank 3, got F32[2, 16] and F32[48, 2]",
        "r | 0 | rank must be at least 1, got 0",
        "r | 2.5 | 'r' must be a 32-bit integer, got 2.5",
        "r | null | missing entry 'r'",
        "r | \"2\" | 'r' must be a number, got 2",
        "lora_dropout | 1 | dropout must be in [0, 1), got 1.0",
        "use_dora | true | tensor 'transformer.h.0.attn.c_attn.lora_magnitude_vector' is missing",
        "target_modules | [1] | 'target_modules' must be a list of texts, got 1",
        "rank_pattern | {\"c_attn\":\"2\"} | 'rank_pattern' must be an object of numbers, got 2",
        "rank_pattern | {\"c_attn\":7} | of rank 7",
        "peft_type | 7 | 'peft_type' must be a string, got 7",
        "peft_type | null | missing entry 'peft_type'",
        "peft_type | \"PROMPT_TUNING\" | missing entry 'num_virtual_tokens'",
      })
  void settingsThatAreWrongOrDoNotFitTheTensorsAreRefused(
      String entry, String value, String message) throws IOException {
    Path folder = changed("peft/lora-gpt2", entry, value);

    assertThatThrownBy(() -> PeftFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.resolve("adapter_config.json").toString())
        .hasMessageContaining(message);
  }

  @Test
  void promptSettingsMustFitTheirTensor() throws IOException {
    assertThatThrownBy(() -> PeftFolder.read(changed(PROMPT, "num_virtual_tokens", "6")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("'prompt_embeddings' must be [6, 16], is F32[5, 16]");
    changed(PROMPT, "num_virtual_tokens", "5");
    assertThatThrownBy(() -> PeftFolder.read(changed(PROMPT, "num_transformer_submodules", "2")))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("virtual tokens for 2 parts of a model");
  }

  private Path withTensors(String fixture, Map<String, Tensor> tensors) throws IOException {
    Path folder = Fixtures.copy(fixture, temporary.resolve("tensors" + tensors.hashCode()));
    SafeTensors.write(folder.resolve("adapter_model.safetensors"), tensors, Map.of());
    return folder;
  }

  @Test
  void tensorsThatNothingAsksForOrThatAreMissingAreNamed() throws IOException {
    Tensor a = Tensor.ofFloats(new float[32], 2, 16);
    Tensor b = Tensor.ofFloats(new float[96], 48, 2);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("base_model.model.x.lora_A.weight", a);
    assertThatThrownBy(() -> PeftFolder.read(withTensors("peft/lora-gpt2", tensors)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tensor 'x.lora_B.weight' is missing");
    tensors.put("base_model.model.x.lora_B.weight", b);
    assertThat(PeftFolder.read(withTensors("peft/lora-gpt2", tensors)).modules())
        .containsExactly("x");
    tensors.put("base_model.model.lm_head.weight", a);
    assertThatThrownBy(() -> PeftFolder.read(withTensors("peft/lora-gpt2", tensors)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tensor 'lm_head.weight' belongs to no setting of the adapter");
    assertThatThrownBy(() -> PeftFolder.read(withTensors("peft/lora-gpt2", Map.of("y", a))))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected names that begin with 'base_model.model.', got 'y'");
    assertThatThrownBy(
            () ->
                PeftFolder.read(
                    withTensors(
                        "peft/lora-gpt2", Map.of("base_model.model.e.lora_embedding_A", a))))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("adapts an embedding table");
    assertThatThrownBy(() -> PeftFolder.read(withTensors("peft/lora-gpt2", Map.of())))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("it has no tensor whose name ends with .lora_A.weight");
  }

  @Test
  void missingFilesAndPicklesAreNamed() throws IOException {
    Path folder = Fixtures.copy(BERT, temporary.resolve("adapter"));
    Path weights = folder.resolve("adapter_model.safetensors");
    Files.move(weights, folder.resolve("adapter_model.bin"));
    assertThatThrownBy(() -> PeftFolder.read(folder))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("is a Python pickle");
    Files.delete(folder.resolve("adapter_model.bin"));
    assertThatThrownBy(() -> PeftFolder.read(folder))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining(weights.toString());
    Files.delete(folder.resolve("adapter_config.json"));
    assertThatThrownBy(() -> PeftFolder.read(folder))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("Name a folder that PEFT's save_pretrained has written");
  }

  @Test
  void aDigestThatIsNoneIsRefused() throws IOException {
    Path folder = Fixtures.copy(PROMPT, temporary.resolve("adapter"));
    Path weights = folder.resolve("adapter_model.safetensors");
    Map<String, Tensor> tensors =
        Map.of("prompt_embeddings", Tensor.ofFloats(new float[80], 5, 16));
    SafeTensors.write(weights, tensors, Map.of("athanor.base_sha256", "short"));

    assertThatThrownBy(() -> PeftFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("metadata 'athanor.base_sha256': hex must be 64");
  }

  @Test
  void aFailingWriteLeavesNothing() throws IOException {
    Path blocked = Files.writeString(temporary.resolve("file"), "in the way").resolve("adapter");
    Path taken = Fixtures.copy(PROMPT, temporary.resolve("taken"));

    assertThatThrownBy(() -> PeftFolder.write(read(BERT), blocked))
        .isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> PeftFolder.write(read(BERT), taken))
        .isInstanceOf(ConflictException.class);

    assertThat(Fixtures.names(temporary)).containsExactly("file", "taken");
    assertThat(PeftFolder.read(taken).method()).isInstanceOf(PromptSettings.class);
  }

  @Test
  void anAdapterCannotBeMadeOfTensorsThatDoNotBelongTogether() {
    PeftAdapter sound = read(PROMPT);
    Tensor ids = Tensor.ofLongs(new long[80], 5, 16);

    assertThatThrownBy(
            () ->
                new PeftAdapter(
                    "mine",
                    sound.method(),
                    Optional.empty(),
                    "",
                    Optional.empty(),
                    List.of(),
                    Map.of("prompt_embeddings", ids)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("Invalid adapter mine")
        .hasMessageContaining("must hold floating-point numbers, is I64[5, 16]");
  }
}
