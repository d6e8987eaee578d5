package io.athanor.model.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.SafeTensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceFolderTest {
  private static final String SHARDED = "hf/llama-sharded";
  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  @TempDir Path temporary;

  private Path folder(String fixture) {
    return Fixtures.copy(fixture, temporary.resolve("model"));
  }

  private static void replace(Path file, String from, String to) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  @ParameterizedTest
  @ValueSource(strings = {SHARDED, "hf/gpt2", "hf/bert-classifier"})
  void theTensorsAreThoseThatTransformersWrote(String fixture) {
    PretrainedModel model = HuggingFaceFolder.read(Fixtures.folder(fixture));

    Fixtures.assertSame(model.tensors(), Fixtures.expected(fixture));
    assertThat(model.tensors().values()).allMatch(tensor -> tensor.bytes().isDirect());
    assertThat(model.source()).endsWith(fixture.substring(3));
  }

  @Test
  void aModelForChatComesWithAllThatBelongsToIt() throws IOException {
    PretrainedModel model = HuggingFaceFolder.read(Fixtures.folder(SHARDED));

    assertThat(model.config())
        .containsEntry("model_type", "llama")
        .containsEntry("hidden_size", 16)
        .containsEntry("rope_theta", 10000.0)
        .containsEntry("rope_scaling", null)
        .containsEntry("architectures", List.of("LlamaForCausalLM"));
    assertThat(model.endIds()).containsExactly(2, 3);
    assertThat(model.requireTokenizer())
        .isEqualTo(Files.readString(Fixtures.folder(SHARDED).resolve("tokenizer.json")));
    assertThat(model.chatTemplate().orElseThrow()).startsWith("{% for message in messages %}");
    assertThat(model.specialTokens())
        .isEqualTo(
            Map.of(
                "bos_token",
                "<s>",
                "eos_token",
                "</s>",
                "pad_token",
                "<pad>",
                "unk_token",
                "<unk>"));
  }

  @Test
  void theChatTemplateMayLieInTheTokenizersConfiguration() {
    PretrainedModel separate = HuggingFaceFolder.read(Fixtures.folder(SHARDED));
    PretrainedModel inside = HuggingFaceFolder.read(Fixtures.folder("hf/gpt2"));

    assertThat(Fixtures.folder("hf/gpt2").resolve("chat_template.jinja")).doesNotExist();
    assertThat(inside.chatTemplate()).isEqualTo(separate.chatTemplate());
    assertThat(inside.endIds()).containsExactly(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      nullValues = "none",
      value = {
        "[{\"name\":\"rag\",\"template\":\"R\"},{\"name\":\"default\",\"template\":\"D\"}] | D",
        "[{\"name\":\"rag\",\"template\":\"R\"}] | R",
        "[{\"name\":\"a\",\"template\":\"A\"},{\"name\":\"b\",\"template\":\"B\"}] | none",
        "null | none",
      })
  void ofNamedChatTemplatesTheDefaultOneIsTaken(String json, String expected) throws IOException {
    Path folder = folder("hf/bert-classifier");
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"chat_template\":" + json + "}");

    assertThat(HuggingFaceFolder.read(folder).chatTemplate())
        .isEqualTo(Optional.ofNullable(expected));
  }

  @Test
  void specialTokensMayBeTextsOrObjectsOrNull() throws IOException {
    Path folder = folder("hf/bert-classifier");
    Files.writeString(
        folder.resolve("special_tokens_map.json"),
        "{\"bos_token\":{\"content\":\"<a>\",\"lstrip\":false},\"eos_token\":\"old\",\"extra\":[]}");
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"eos_token\":{\"content\":\"new\"},\"pad_token\":null,\"add_bos_token\":true}");

    assertThat(HuggingFaceFolder.read(folder).specialTokens())
        .isEqualTo(Map.of("bos_token", "<a>", "eos_token", "new"));

    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\":[1]}");
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("'eos_token' must be a text or an object with 'content'");
  }

  @Test
  void aMissingTokenizerIsAnErrorOnlyForThoseWhoNeedIt() {
    PretrainedModel model = HuggingFaceFolder.read(Fixtures.folder("hf/bert-classifier"));

    assertThat(model.tokenizer()).isEmpty();
    assertThatThrownBy(model::requireTokenizer)
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No tokenizer.json with the model")
        .hasMessageContaining("AutoTokenizer.from_pretrained(..).save_pretrained(..)");
  }

  @Test
  void widenedTensorsHoldTheSameNumbersAndFloatsStayOnDisk() {
    PretrainedModel brain = HuggingFaceFolder.read(Fixtures.folder(SHARDED));
    PretrainedModel wide = brain.widened();

    assertThat(wide.tensors().values()).allMatch(tensor -> tensor.dtype() == DType.F32);
    brain
        .tensors()
        .forEach(
            (name, tensor) ->
                assertThat(FloatConversion.convert(wide.tensors().get(name), DType.BF16))
                    .isEqualTo(tensor));
    PretrainedModel floats = HuggingFaceFolder.read(Fixtures.folder("hf/gpt2"));
    floats
        .widened()
        .tensors()
        .forEach((name, tensor) -> assertThat(tensor).isSameAs(floats.tensors().get(name)));
    assertThat(floats.tensors()).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 6_000, 9_000, 5_000_000_000L})
  void whatIsWrittenIsReadAgain(long shardBytes) {
    PretrainedModel model = HuggingFaceFolder.read(Fixtures.folder(SHARDED));
    Path written = temporary.resolve("written");

    HuggingFaceFolder.writer().shardBytes(shardBytes).write(model, written);

    PretrainedModel again = HuggingFaceFolder.read(written);
    assertThat(again.tensors()).isEqualTo(model.tensors());
    assertThat(again.tokenizer()).isEqualTo(model.tokenizer());
    assertThat(again.chatTemplate()).isEqualTo(model.chatTemplate());
    assertThat(again.specialTokens()).isEqualTo(model.specialTokens());
    assertThat(again.endIds()).isEqualTo(model.endIds());
    assertThat(again.config()).containsEntry("torch_dtype", "bfloat16").doesNotContainKey("dtype");
    assertThat(again.config()).containsAllEntriesOf(without(model.config(), "dtype"));
    List<String> names = Fixtures.names(written);
    long shards = names.stream().filter(name -> name.endsWith(".safetensors")).count();
    assertThat(shards)
        .isEqualTo(shardBytes == 1 ? model.tensors().size() : shardBytes > 1_000_000 ? 1 : shards);
    assertThat(names.contains(INDEX)).isEqualTo(shards > 1);
    assertThat(names.contains("model.safetensors")).isEqualTo(shards == 1);
  }

  private static Map<String, Object> without(Map<String, Object> config, String key) {
    Map<String, Object> rest = new java.util.LinkedHashMap<>(config);
    rest.remove(key);
    return rest;
  }

  @Test
  void noShardIsLargerThanAllowedAndTheIndexCountsTheBytes() throws IOException {
    PretrainedModel model = HuggingFaceFolder.read(Fixtures.folder(SHARDED));
    Path written = temporary.resolve("written");

    HuggingFaceFolder.writer().shardBytes(5_000).write(model, written);

    long total = 0;
    int shards = 0;
    for (String name : Fixtures.names(written)) {
      if (name.endsWith(".safetensors")) {
        SafeTensors shard = SafeTensors.read(written.resolve(name));
        long bytes = shard.tensors().values().stream().mapToLong(t -> t.bytes().remaining()).sum();
        assertThat(bytes).isLessThanOrEqualTo(5_000);
        assertThat(shard.metadata()).containsExactly(Map.entry("format", "pt"));
        total += bytes;
        shards++;
      }
    }
    assertThat(shards).isBetween(3, 6);
    assertThat(total).isEqualTo(2 * 6_736);
    assertThat(
            new ObjectMapper()
                .readTree(written.resolve(INDEX).toFile())
                .at("/metadata/total_size")
                .longValue())
        .isEqualTo(total);
  }

  @Test
  void theElementTypeCanBeChosenAndTheConfigurationNamesIt() {
    PretrainedModel model = HuggingFaceFolder.read(Fixtures.folder("hf/gpt2"));
    Path written = temporary.resolve("written");

    HuggingFaceFolder.writer().dtype(DType.F16).write(model, written);

    PretrainedModel half = HuggingFaceFolder.read(written);
    assertThat(half.config()).containsEntry("torch_dtype", "float16");
    model
        .tensors()
        .forEach(
            (name, tensor) ->
                assertThat(half.tensors().get(name))
                    .isEqualTo(FloatConversion.convert(tensor, DType.F16)));
  }

  @Test
  void aValueBeyondTheRangeOfTheChosenTypeIsRefusedAndNothingIsWritten() {
    Path written = temporary.resolve("written");
    PretrainedModel model = model(Map.of("a", Tensor.ofFloats(new float[] {1, 65_520}, 2)));

    assertThatThrownBy(() -> HuggingFaceFolder.writer().dtype(DType.F16).write(model, written))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("tensor 'a' holds values beyond its range; write BF16 or F32");
    assertThat(temporary).isEmptyDirectory();

    HuggingFaceFolder.writer()
        .dtype(DType.F16)
        .write(model(Map.of("a", Tensor.scalar(Float.NEGATIVE_INFINITY))), written);
    assertThat(HuggingFaceFolder.read(written).widened().tensors())
        .isEqualTo(Map.of("a", Tensor.scalar(Float.NEGATIVE_INFINITY)));
  }

  private static PretrainedModel model(Map<String, Tensor> tensors) {
    return new PretrainedModel(
        "made by hand",
        Map.of("model_type", "llama"),
        tensors,
        Optional.empty(),
        Optional.empty(),
        Map.of());
  }

  @Test
  void aFailingWriteLeavesNothingAndAFullFolderIsLeftAlone() throws IOException {
    PretrainedModel model = HuggingFaceFolder.read(Fixtures.folder(SHARDED));
    Path blocked = Files.writeString(temporary.resolve("file"), "in the way").resolve("model");

    assertThatThrownBy(() -> HuggingFaceFolder.write(model, blocked))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be written");
    Path taken = folder("hf/gpt2");
    List<String> before = Fixtures.names(taken);
    assertThatThrownBy(() -> HuggingFaceFolder.write(model, taken))
        .isInstanceOf(ConflictException.class);

    assertThat(Fixtures.names(taken)).isEqualTo(before);
    assertThat(Fixtures.names(temporary)).containsExactly("file", "model");
  }

  @Test
  void wrongOptionsAreRefusedAtOnce() {
    assertThatThrownBy(() -> HuggingFaceFolder.writer().shardBytes(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bytes must be at least 1, got 0");
    assertThatThrownBy(() -> HuggingFaceFolder.writer().dtype(DType.I64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("floating-point");
    assertThatThrownBy(
            () ->
                new PretrainedModel(
                    "",
                    Map.of("a", List.of(Map.of("b", Double.NaN))),
                    Map.of(),
                    Optional.empty(),
                    Optional.empty(),
                    Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("config.a[0].b must be a text");
  }

  @Test
  void aShardThatWasNotDownloadedIsNamedWithTheUnfinishedDownload() throws IOException {
    Path folder = folder(SHARDED);
    Files.delete(folder.resolve(SECOND));
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No file " + folder.resolve(SECOND))
        .hasMessageContaining("Download it");

    Path downloads = Files.createDirectories(folder.resolve(".cache/huggingface/download"));
    Files.writeString(downloads.resolve("abc.incomplete"), "half");
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("A download has not finished")
        .hasMessageContaining("abc.incomplete");
  }

  @Test
  void aShardThatIsCutOffIsRefusedWithARemedy() throws IOException {
    Path folder = folder(SHARDED);
    byte[] whole = Files.readAllBytes(folder.resolve(FIRST));
    Files.write(folder.resolve(FIRST), Arrays.copyOf(whole, whole.length / 2));

    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.resolve(FIRST).toString())
        .hasMessageContaining("it may be cut off")
        .hasMessageContaining("download it again");

    Files.writeString(folder.resolve(FIRST + ".incomplete"), "");
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .hasMessageContaining("A download has not finished (" + FIRST + ".incomplete)");
  }

  @ParameterizedTest
  @ValueSource(strings = {FIRST, INDEX, "config.json", "tokenizer.json"})
  void aGitPointerInPlaceOfAFileIsRecognised(String name) throws IOException {
    Path folder = folder(SHARDED);
    Files.writeString(
        folder.resolve(name),
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9072\n");

    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.resolve(name).toString())
        .hasMessageContaining("this is a Git LFS pointer")
        .hasMessageContaining("git lfs pull");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../other.safetensors",
        "/etc/passwd",
        "a/b.safetensors",
        "..",
        ".hidden.safetensors",
        "model.bin",
        "a\\\\b.safetensors"
      })
  void anIndexMayNotLeaveTheFolder(String name) throws IOException {
    Path folder = folder(SHARDED);
    replace(folder.resolve(INDEX), "\"" + SECOND + "\"", "\"" + name + "\"");

    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("must lie in a safetensors file of this folder, got '");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"lm_head.weight\" | \"lm_head.other\" | lists the tensor 'lm_head.other', which is not in",
        "\"lm_head.weight\": \"model-00002 | \"lm_head.weight\": \"model-00001 | lists the tensor 'lm_head.weight'",
        "\"total_size\": 13472 | \"total_size\": 13473 | expected shards with 13473 bytes of tensors, got 13472",
        "\"weight_map\" | \"map\" | expected an object 'weight_map'",
        "\"metadata\" | \"weight_map\" | Duplicate field",
        "{ | [ | not JSON",
      })
  void anIndexThatDisagreesWithItsShardsIsRefused(String from, String to, String message)
      throws IOException {
    Path folder = folder(SHARDED);
    replace(folder.resolve(INDEX), from, to);

    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aTensorThatTheIndexDoesNotListIsRefused() throws IOException {
    Path folder = folder(SHARDED);
    Files.delete(folder.resolve(SECOND));
    Files.copy(folder.resolve(FIRST), folder.resolve(SECOND));
    replace(folder.resolve(INDEX), "\"" + FIRST + "\"", "\"" + SECOND + "\"");
    replace(folder.resolve(INDEX), "    \"model.norm.weight\": \"" + SECOND + "\"", "    \"x\": 1");
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tensor 'x' must lie in a safetensors file of this folder, got '1'");

    replace(folder.resolve(INDEX), "\"x\": 1", "\"x\": \"" + SECOND + "\"");
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("index and shards must come from the same version");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "pytorch_model.bin | is a Python pickle, which can run any program | safe_serialization=True",
        "model.pt | is a Python pickle | save_pretrained",
        "tiny.Q8_0.gguf | is a GGUF file | with the GGUF reader",
        "tf_model.h5 | is not in the safetensors format | convert it with transformers",
      })
  void weightsOfAnotherFormatAreRefusedWithTheRemedy(String name, String what, String remedy)
      throws IOException {
    Path folder = folder("hf/bert-classifier");
    Files.move(folder.resolve("model.safetensors"), folder.resolve(name));

    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining(folder.resolve(name).toString())
        .hasMessageContaining(what)
        .hasMessageContaining(remedy);

    Files.move(folder.resolve(name), folder.resolve("model.safetensors"));
    Files.writeString(folder.resolve(name), "beside sound weights it does no harm");
    assertThat(HuggingFaceFolder.read(folder).tensors()).isNotEmpty();
  }

  @Test
  void missingPartsOfAFolderAreNamed() throws IOException {
    Path folder = folder("hf/bert-classifier");
    assertThatThrownBy(() -> HuggingFaceFolder.read(temporary.resolve("nowhere")))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("Check the path");
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder.resolve("config.json")))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("Name the folder that holds this file");

    Files.delete(folder.resolve("model.safetensors"));
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No model.safetensors or model.safetensors.index.json")
        .hasMessageContaining("there is config.json");
    Files.delete(folder.resolve("config.json"));
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("Copy it from the model's origin");
    assertThatThrownBy(() -> HuggingFaceFolder.read(Fixtures.folder("peft/lora-gpt2")))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("holds an adapter, not a model");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{ | not JSON",
        "`` | expected an object, got missing",
        "[] | expected an object, got array",
        "{\"a\":1e999} | entry.a must be a text, boolean, finite number",
        "{\"a\":NaN} | not JSON",
        "{\"a\":1,\"a\":2} | Duplicate field 'a'",
      })
  void aMalformedConfigurationIsRefused(String text, String message) throws IOException {
    Path folder = folder("hf/bert-classifier");
    Files.writeString(folder.resolve("config.json"), text);

    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.resolve("config.json").toString())
        .hasMessageContaining(message);
  }

  @Test
  void textThatIsNotUtf8AndQuantisedWeightsAreRefused() throws IOException {
    Path folder = folder("hf/bert-classifier");
    replace(folder.resolve("config.json"), "{\n  \"arch", "{\"quantization_config\":{},\"arch");
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("holds quantised weights");

    Files.write(folder.resolve("config.json"), new byte[] {'{', (byte) 0xc3, '(', '}'});
    assertThatThrownBy(() -> HuggingFaceFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("not UTF-8");
  }
}
