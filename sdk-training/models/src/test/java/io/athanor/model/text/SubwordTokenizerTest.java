package io.athanor.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.Tokenizers;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SubwordTokenizerTest {
  private static final int ALL = 1 << 20;

  private static Tokenizer tokenizer(String kind) {
    return Tokenizers.read(kind + ".json", Fixtures.text("tokenizers/" + kind + ".json"));
  }

  @TestFactory
  Stream<DynamicTest> givesTheIdsOfHuggingFaceTokenizers() {
    JsonNode expected = Fixtures.json("tokenizers/expected.json");
    assertThat(expected.size()).isEqualTo(5);
    List<DynamicTest> tests = new ArrayList<>();
    for (var kind : expected.properties()) {
      Tokenizer tokenizer = tokenizer(kind.getKey());
      assertThat(tokenizer).isInstanceOf(SubwordTokenizer.class);
      assertThat(tokenizer.vocabularySize()).isEqualTo(kind.getValue().get("size").asInt());
      assertThat(kind.getValue().get("cases").size()).isEqualTo(15);
      for (JsonNode c : kind.getValue().get("cases")) {
        tests.add(
            DynamicTest.dynamicTest(
                kind.getKey() + ": " + c.get("text"), () -> check(tokenizer, c)));
      }
    }
    return tests.stream();
  }

  private static void check(Tokenizer tokenizer, JsonNode c) {
    String text = c.get("text").asText();
    int[] ids = ints(c.get("ids"));
    if (ids.length > 0) {
      assertThat(tokenizer.encode(text, ALL)).isEqualTo(ids);
      assertThat(tokenizer.encode(text, 5)).isEqualTo(ints(c.get("cut to 5")));
    } else {
      assertThat(tokenizer.encode(text, ALL)).hasSize(1);
    }
    assertThat(tokenizer.decode(ids)).isEqualTo(c.get("decoded").asText());
    List<Tokenizer.Token> tokens = tokenizer.tokenize(text);
    assertThat(tokens.stream().mapToInt(Tokenizer.Token::id))
        .containsExactly(boxed(c.get("plain")));
    for (int i = 0; i < tokens.size(); i++) {
      JsonNode offset = c.get("offsets").get(i);
      assertThat(text.substring(tokens.get(i).start(), tokens.get(i).end()))
          .isEqualTo(
              text.substring(
                  text.offsetByCodePoints(0, offset.get(0).asInt()),
                  text.offsetByCodePoints(0, offset.get(1).asInt())));
    }
  }

  private static int[] ints(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
  }

  private static Integer[] boxed(JsonNode array) {
    return IntStream.of(ints(array)).boxed().toArray(Integer[]::new);
  }

  @Test
  void specialTokensInTheTextAreRecognisedAndLeftOutAgain() {
    Tokenizer tokenizer = tokenizer("gpt2");
    int end = tokenizer.id("<|im_end|>").orElseThrow();

    List<Tokenizer.Token> tokens = tokenizer.tokenize("😀the<|im_end|>");

    assertThat(tokens.get(tokens.size() - 1)).isEqualTo(new Tokenizer.Token(end, 5, 15));
    assertThat(tokenizer.decode(tokenizer.encode("😀the<|im_end|>", ALL))).isEqualTo("😀the");
    assertThat(tokenizer.id("no such token")).isEmpty();
  }

  @Test
  void paddingIsTheTokenThatTheVocabularyHasForIt() {
    assertThat(tokenizer("wordpiece").paddingId()).isZero();
    assertThat(tokenizer("unigram").paddingId()).isZero();
    assertThat(tokenizer("llama3").paddingId()).isEqualTo(1);
    assertThat(tokenizer("sentencepiece").paddingId()).isEqualTo(2);
  }

  @Test
  void halfASurrogatePairIsAReplacementCharacterAndHarmsNothingElse() {
    Tokenizer tokenizer = tokenizer("gpt2");

    assertThat(tokenizer.encode("a\uD83Db 🙂", ALL))
        .isEqualTo(tokenizer.encode("a\uFFFDb 🙂", ALL));
  }

  @Test
  void settingsForTruncationPaddingAndDropoutAreLeftOut() {
    String changed =
        changed(
            "gpt2",
            root -> {
              root.putObject("truncation")
                  .put("max_length", 2)
                  .put("stride", 0)
                  .put("strategy", "LongestFirst")
                  .put("direction", "Right");
              ((ObjectNode) root.get("model")).put("dropout", 0.9);
            });
    Tokenizer tokenizer = SubwordTokenizer.read("changed", changed);

    assertThat(tokenizer.encode("The tokenizer reads the letter.", ALL))
        .isEqualTo(tokenizer("gpt2").encode("The tokenizer reads the letter.", ALL));
    assertThat(tokenizer.json()).isEqualTo(changed);
    assertThat(tokenizer).isNotEqualTo(tokenizer("gpt2"));
    assertThat(tokenizer("gpt2")).isEqualTo(tokenizer("gpt2")).hasSameHashCodeAs(tokenizer("gpt2"));
  }

  private static String changed(String kind, Consumer<ObjectNode> change) {
    ObjectNode root = (ObjectNode) Fixtures.json("tokenizers/" + kind + ".json");
    change.accept(root);
    return root.toString();
  }

  private static void assertRefused(String json, String message) {
    assertThatThrownBy(() -> SubwordTokenizer.read("broken.json", json))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("broken.json: ")
        .hasMessageContaining(message);
  }

  private static ObjectNode vocabulary(ObjectNode root) {
    return (ObjectNode) root.get("model").get("vocab");
  }

  @Test
  void brokenFilesAreRefusedWithTheirPlace() {
    assertRefused("{", "not JSON");
    assertRefused("[]", "expected an object with the entry 'model'");
    assertRefused("{\"model\": {\"type\": \"BPE\"}}", "model.vocab: expected tokens");
    assertRefused(changed("gpt2", r -> vocabulary(r).put("a", -1)), "got -1");
    assertRefused(changed("gpt2", r -> vocabulary(r).put("zz", 2_000_000_000)), "'zz'");
    assertRefused(changed("gpt2", r -> vocabulary(r).put("zz", 3)), "two tokens have the id 3");
    assertRefused(changed("gpt2", r -> vocabulary(r).put("zz", "x")), "model.vocab");
    assertRefused(changed("gpt2", r -> vocabulary(r).remove("Ġt")), "not a tokenizer.json");
    assertRefused(
        changed("gpt2", r -> ((ArrayNode) r.get("added_tokens")).addObject().put("id", 1)),
        "added_tokens: expected 'content'");
    assertRefused(
        changed("wordpiece", r -> vocabulary(r).remove("[UNK]")), "model.unk_token: expected");
    assertRefused(
        changed(
            "wordpiece", r -> ((ObjectNode) r.at("/post_processor/special_tokens")).removeAll()),
        "post_processor.single: '[CLS]' is not among its special_tokens");
    assertRefused(
        changed(
            "llama3",
            r ->
                ((ObjectNode) r.at("/post_processor/processors/1/special_tokens/<|begin_of_text|>"))
                    .putArray("ids")),
        "expected as many ids as tokens");
    assertRefused(
        changed("unigram", r -> ((ObjectNode) r.get("model")).put("unk_id", 9_999)),
        "model.unk_id: no token has the id 9999");
    assertRefused(
        changed("unigram", r -> ((ArrayNode) r.get("model").get("vocab")).addArray().add("x")),
        "expected a token and its score");
    assertRefused(
        changed("gpt2", r -> r.putObject("pre_tokenizer").put("type", "NoSuchThing")),
        "not a tokenizer.json");
    assertRefused(
        changed("gpt2", r -> r.putObject("padding").put("pad_id", 99_999)), "padding.pad_id");
  }

  @Test
  void aTextThatTheVocabularyCannotSpellIsRefused() {
    Tokenizer tokenizer =
        SubwordTokenizer.read(
            "unigram.json",
            changed("unigram", r -> ((ObjectNode) r.get("model")).putNull("unk_id")));

    assertThatThrownBy(() -> tokenizer.encode("\u1234", ALL))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("unigram.json: cannot encode this text");
  }

  @Test
  void aLengthBelowOneIsRefused() {
    assertThatThrownBy(() -> tokenizer("gpt2").encode("a", 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("maximumLength must be at least 1, got 0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"linux-riscv64", "osx-x86_64", "win-aarch64"})
  void aPlatformWithoutLibraryIsNamedWithTheRemedy(String platform) {
    assertThatThrownBy(() -> TokenizersLibraryLoader.require(platform))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("no native library for " + platform)
        .hasMessageContaining("RUST_LIBRARY_PATH");
  }

  @Test
  void platformsAreNamedAsTheArtifactNamesThem() {
    assertThat(TokenizersLibraryLoader.platform("Linux", "amd64")).isEqualTo("linux-x86_64");
    assertThat(TokenizersLibraryLoader.platform("Mac OS X", "aarch64")).isEqualTo("osx-aarch64");
    assertThat(TokenizersLibraryLoader.platform("Windows 11", "amd64")).isEqualTo("win-x86_64");
  }

  @Test
  void manyThreadsGetTheSameIds() {
    Tokenizer tokenizer = tokenizer("llama3");
    String text = "The tokenizer reads 日本語 and 🙂 the letter. ".repeat(20);
    int[] expected = tokenizer.encode(text, ALL);

    assertThat(
            IntStream.range(0, 400)
                .parallel()
                .mapToObj(i -> tokenizer.encode(text, i % 2 == 0 ? ALL : 7)))
        .allSatisfy(
            ids ->
                assertThat(ids)
                    .isEqualTo(
                        ids.length == 7 ? IntStream.of(expected).limit(7).toArray() : expected));
  }
}
