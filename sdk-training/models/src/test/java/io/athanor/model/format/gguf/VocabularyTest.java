package io.athanor.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VocabularyTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static Metadata metadata(String file) {
    return GgufFile.read(Fixtures.path(file)).metadata();
  }

  private static JsonNode converted(String file) throws IOException {
    return JSON.readTree(Vocabularies.toJson(metadata(file)).orElseThrow());
  }

  private static GivenTokenizer given(JsonNode json) {
    return new GivenTokenizer("test", json.toString());
  }

  private static List<String> pairs(JsonNode model) {
    List<String> pairs = new ArrayList<>();
    model.path("merges").forEach(pair -> pairs.add(pair.toString()));
    return pairs;
  }

  @Test
  void sentencePieceBecomesWhatHuggingFaceMakesOfIt() throws IOException {
    JsonNode expected = Fixtures.json("spm.json");

    JsonNode converted = converted("llama.gguf");

    assertThat(converted.path("model").path("vocab"))
        .isEqualTo(expected.path("model").path("vocab"));
    assertThat(pairs(converted.path("model")))
        .hasSizeGreaterThan(50)
        .containsExactlyElementsOf(pairs(expected.path("model")));
    for (String part : List.of("normalizer", "pre_tokenizer", "decoder")) {
      assertThat(converted.path(part)).as(part).isEqualTo(expected.path(part));
    }
    assertThat(converted.path("post_processor").path("single"))
        .isEqualTo(expected.path("post_processor").path("single"));
    for (String setting : List.of("unk_token", "byte_fallback", "fuse_unk")) {
      assertThat(converted.path("model").path(setting))
          .isEqualTo(expected.path("model").path(setting));
    }
  }

  @Test
  void byteLevelBpeBecomesWhatHuggingFaceHas() throws IOException {
    JsonNode expected = Fixtures.json("bpe.json");

    JsonNode converted = converted("gpt2.gguf");

    assertThat(converted.path("model").path("vocab"))
        .isEqualTo(expected.path("model").path("vocab"));
    assertThat(pairs(converted.path("model")))
        .hasSizeGreaterThan(50)
        .containsExactlyElementsOf(pairs(expected.path("model")));
    assertThat(converted.path("pre_tokenizer")).isEqualTo(expected.path("pre_tokenizer"));
    assertThat(converted.path("added_tokens")).isEqualTo(expected.path("added_tokens"));
  }

  @ParameterizedTest
  @CsvSource({"spm.json, llama.gguf", "bpe.json, gpt2.gguf"})
  void aTokenizerOfHuggingFaceIsWrittenAsTheVocabularyItCameFrom(String json, String gguf)
      throws IOException {
    Metadata expected = metadata(gguf);
    GivenTokenizer tokenizer = given(Fixtures.json(json));
    Vocabulary vocabulary = tokenizer.vocabulary(expected.texts(Vocabulary.TOKENS).size());

    Map<String, Object> written =
        json.startsWith("spm")
            ? SentencePieceVocabulary.metadata(tokenizer, vocabulary)
            : ByteLevelVocabulary.metadata(tokenizer, vocabulary);

    assertThat(written.get(Vocabulary.TOKENS)).isEqualTo(expected.texts(Vocabulary.TOKENS));
    assertThat(vocabulary.types().stream().map(TokenType::id))
        .containsExactlyElementsOf(expected.integers(Vocabulary.TYPES));
    if (json.startsWith("bpe")) {
      assertThat(written.get("tokenizer.ggml.merges"))
          .isEqualTo(expected.texts("tokenizer.ggml.merges"));
      assertThat(written.get("tokenizer.ggml.pre")).isEqualTo("gpt-2");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt-2", "smollm", "llama-bpe", "qwen2"})
  void everyWayToCutIsRecognisedAgain(String name) throws IOException {
    PreTokenizer cut = PreTokenizer.named(name, "test");
    JsonNode normalizer = JSON.valueToTree(cut.normalizerJson());

    assertThat(PreTokenizer.of(normalizer, cut.json()).map(PreTokenizer::ggufName)).contains(name);
  }

  @Test
  void anUnknownWayToCutIsRefusedWithARemedy() {
    assertThatThrownBy(() -> PreTokenizer.named("tekken", "m.gguf"))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("pre-tokenizer 'tekken'")
        .hasMessageContaining("tokenizer.json");
  }

  @Test
  void kindsThatGgufCannotHoldAreRefused() throws IOException {
    ObjectNode wordPiece = Fixtures.json("bpe.json").deepCopy();
    ((ObjectNode) wordPiece.path("model")).put("type", "WordPiece");
    assertThatThrownBy(() -> given(wordPiece).requireBpe())
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("kind WordPiece");

    ObjectNode lower = Fixtures.json("bpe.json").deepCopy();
    lower.putObject("normalizer").put("type", "Lowercase");
    assertThatThrownBy(
            () -> ByteLevelVocabulary.metadata(given(lower), given(lower).vocabulary(330)))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("Lowercase");

    ObjectNode fewer = Fixtures.json("spm.json").deepCopy();
    ((ArrayNode) fewer.path("model").path("merges")).remove(0);
    assertThatThrownBy(
            () -> SentencePieceVocabulary.metadata(given(fewer), given(fewer).vocabulary(360)))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("merges");
  }

  @Test
  void tokensWithoutARowAreRefusedAndRowsWithoutATokenFilled() throws IOException {
    GivenTokenizer tokenizer = given(Fixtures.json("bpe.json"));

    assertThatThrownBy(() -> tokenizer.vocabulary(329))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("only 329 rows");
    Vocabulary padded = tokenizer.vocabulary(332);
    assertThat(padded.texts().subList(330, 332)).containsExactly("[PAD330]", "[PAD331]");
    assertThat(padded.padding(331)).isTrue();
    assertThat(padded.padding(5)).isFalse();
  }

  @Test
  void lyingVocabulariesAreRefused() {
    Map<String, Object> values = new HashMap<>();
    values.put("tokenizer.ggml.model", "gpt2");
    values.put("tokenizer.ggml.tokens", List.of("a", "b", "a"));
    assertThatThrownBy(() -> Vocabularies.toJson(new Metadata("m", values)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("token 'a' occurs twice, with ids 0 and 2");

    values.put("tokenizer.ggml.tokens", List.of("a", "b"));
    values.put("tokenizer.ggml.bos_token_id", 2L);
    assertThatThrownBy(() -> Vocabularies.toJson(new Metadata("m", values)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("bos_token_id' must be the id of one of the 2 tokens, got 2");

    values.remove("tokenizer.ggml.bos_token_id");
    values.put("tokenizer.ggml.merges", List.of("ab"));
    assertThatThrownBy(() -> Vocabularies.toJson(new Metadata("m", values)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("two tokens with a space");

    values.put("tokenizer.ggml.model", "rwkv");
    assertThatThrownBy(() -> Vocabularies.toJson(new Metadata("m", values)))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("kind 'rwkv'");
  }
}
