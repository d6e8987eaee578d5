package io.athanor.api.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The fixture beside this class was made by Hugging Face's tokenizers; see its script. */
class WordTokenizerTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ALL = 1000;

  private static JsonNode fixture(String name) throws IOException {
    try (InputStream in = WordTokenizerTest.class.getResourceAsStream("word-tokenizer/" + name)) {
      return JSON.readTree(Objects.requireNonNull(in, name));
    }
  }

  private static WordTokenizer huggingFaces() throws IOException {
    return WordTokenizer.read("tokenizer.json", fixture("tokenizer.json").toString());
  }

  @TestFactory
  List<DynamicTest> givesTheIdsOfHuggingFace() throws IOException {
    WordTokenizer tokenizer = huggingFaces();
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode golden : fixture("golden.json").path("texts")) {
      int[] expected = JSON.convertValue(golden.path("ids"), int[].class);
      if (expected.length > 0) {
        String text = golden.path("text").textValue();
        tests.add(
            DynamicTest.dynamicTest(
                golden.path("text").toString(),
                () -> assertThat(tokenizer.encode(text, ALL)).containsExactly(expected)));
      }
    }
    assertThat(tests).hasSizeGreaterThan(50);
    return tests;
  }

  @Test
  void fitsTheVocabularyThatHuggingFacesWordsGiveAndWritesItsFile() throws IOException {
    List<String> texts = new ArrayList<>();
    for (JsonNode golden : fixture("golden.json").path("texts")) {
      if (golden.path("fitted").booleanValue()) {
        texts.add(golden.path("text").textValue());
      }
    }

    WordTokenizer fitted = WordTokenizer.fit(texts, ALL, 1);

    assertThat(texts).hasSize(50);
    assertThat(fitted.vocabularySize()).isGreaterThan(250);
    assertThat(JSON.readTree(fitted.json())).isEqualTo(fixture("tokenizer.json"));
    assertThat(fitted).isEqualTo(huggingFaces());
  }

  @Test
  void keepsTheMostFrequentWordsAndTheFirstOfEquallyFrequentOnes() {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of("b a c c", "C d b"), 5, 1);

    assertThat(tokenizer.encode("c b a d", ALL)).containsExactly(2, 3, 4, 1);
    assertThat(tokenizer.vocabularySize()).isEqualTo(5);
    assertThat(tokenizer.paddingId()).isZero();
  }

  @Test
  void leavesOutWordsThatOccurTooSeldom() {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of("a a b", "b c"), ALL, 2);

    assertThat(tokenizer.encode("a b c", ALL)).containsExactly(2, 3, 1);
  }

  @Test
  void aVocabularyOfNothingKnowsNothing() {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of(), 3, 1);

    assertThat(tokenizer.vocabularySize()).isEqualTo(2);
    assertThat(tokenizer.encode("any word", ALL)).containsExactly(1, 1);
  }

  @Test
  void aTextWithoutWordsIsOneUnknownWord() {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of("a"), 3, 1);

    assertThat(tokenizer.encode("", ALL)).containsExactly(1);
    assertThat(tokenizer.encode(" \t\u00a0\n", ALL)).containsExactly(1);
  }

  @Test
  void cutsLongTextsAndTakesNoMemoryForTokensThatAreNotThere() {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of("a b"), 4, 1);

    assertThat(tokenizer.encode("a b a b", 3)).containsExactly(2, 3, 2);
    assertThat(tokenizer.encode("a b", Integer.MAX_VALUE)).containsExactly(2, 3);
  }

  @Test
  void halfASurrogatePairSeparatesWordsAndNeverGetsIntoTheFile() {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of("a\ud83db", "\ude00 c!\ud83d"), ALL, 1);

    assertThat(tokenizer.vocabularySize()).isEqualTo(6);
    assertThat(tokenizer.encode("\ud83d", ALL)).containsExactly(1);
    String throughAFile =
        new String(tokenizer.json().getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    assertThat(WordTokenizer.read("t", throughAFile)).isEqualTo(tokenizer);
  }

  @Test
  void tokensSayWhereTheyStandInTheText() {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of("one two"), ALL, 1);

    assertThat(tokenizer.tokenize("Two, ONE"))
        .containsExactly(
            new Tokenizer.Token(id(tokenizer, "two"), 0, 3),
            new Tokenizer.Token(1, 3, 4),
            new Tokenizer.Token(id(tokenizer, "one"), 5, 8));
    assertThat(tokenizer.tokenize(" \t")).isEmpty();
  }

  @Test
  void placesHoldWhereLowerCaseIsLongerAndForCharactersOfTwoChars() {
    String dotted = "\u0130";
    String deseret = "\ud801\udc00";
    assertThat(dotted.toLowerCase(java.util.Locale.ROOT)).hasSize(2);
    WordTokenizer tokenizer = WordTokenizer.fit(List.of(dotted + "z ok " + deseret), ALL, 1);
    String text = dotted + dotted + " " + dotted + "Z OK " + deseret + "! ok";

    assertThat(tokenizer.tokenize(text))
        .extracting(token -> text.substring(token.start(), token.end()))
        .containsExactly(dotted + dotted, dotted + "Z", "OK", deseret, "!", "ok");
    assertThat(tokenizer.tokenize(text).stream().mapToInt(Tokenizer.Token::id))
        .containsExactly(
            1,
            id(tokenizer, "i\u0307z"),
            id(tokenizer, "ok"),
            id(tokenizer, "\ud801\udc28"),
            1,
            id(tokenizer, "ok"));
  }

  @Test
  void tokensHaveTheIdsOfTheEncodedText() throws IOException {
    WordTokenizer tokenizer = huggingFaces();
    int compared = 0;
    for (JsonNode golden : fixture("golden.json").path("texts")) {
      String text = golden.path("text").textValue();
      List<Tokenizer.Token> tokens = tokenizer.tokenize(text);
      if (!tokens.isEmpty()) {
        assertThat(tokens.stream().mapToInt(Tokenizer.Token::id).toArray())
            .as(text)
            .containsExactly(tokenizer.encode(text, ALL));
        compared++;
      }
    }
    assertThat(compared).isGreaterThan(50);
  }

  @Test
  void decodesToWordsAndLeavesOutWhatIsNone() {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of("a b"), ALL, 1);

    assertThat(tokenizer.decode(new int[] {0, 3, 1, 2, 0})).isEqualTo("b a");
    assertThat(tokenizer.decode(new int[] {-1, 2, 4, Integer.MAX_VALUE})).isEqualTo("a");
    assertThat(tokenizer.decode(new int[0])).isEmpty();
  }

  @Test
  void knowsTheIdsOfItsTokensOnly() {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of("a b"), ALL, 1);

    assertThat(tokenizer.id("[PAD]")).hasValue(0);
    assertThat(tokenizer.id("[UNK]")).hasValue(1);
    assertThat(tokenizer.id("b")).hasValue(3);
    assertThat(tokenizer.id("B")).isEmpty();
  }

  private static int id(WordTokenizer tokenizer, String word) {
    return tokenizer.id(word).orElseThrow();
  }

  @Test
  void refusesSizesThatAreNone() {
    assertThatThrownBy(() -> WordTokenizer.fit(List.of(), 2, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("size must be at least 3 and minimumCount at least 1, got 2 and 1");
    assertThatThrownBy(() -> WordTokenizer.fit(List.of(), 3, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @TestFactory
  List<DynamicTest> refusesATokenizerThatDoesSomethingElse() {
    return List.of(
        foreign("another model", json -> model(json).put("type", "BPE")),
        foreign("another unknown word", json -> model(json).put("unk_token", "<unk>")),
        foreign("case kept", json -> json.putNull("normalizer")),
        foreign("split at blanks only", json -> json.putObject("pre_tokenizer").put("type", "X")),
        foreign("added tokens", json -> json.putArray("added_tokens").addObject().put("id", 2)),
        foreign("truncation", json -> json.putObject("truncation").put("max_length", 2)),
        foreign("post processing", json -> json.putObject("post_processor").put("type", "Bert")),
        foreign("nothing at all", ObjectNode::removeAll));
  }

  private static DynamicTest foreign(String name, Consumer<ObjectNode> change) {
    return DynamicTest.dynamicTest(
        name,
        () ->
            assertThatThrownBy(() -> changed(change))
                .isInstanceOf(UnsupportedException.class)
                .hasMessage(
                    "Unsupported: t.json is not a lower-casing WordLevel tokenizer without"
                        + " additions. Use a tokenizer.json written by Athanor"));
  }

  @TestFactory
  List<DynamicTest> refusesAVocabularyThatIsNone() {
    String ids = "expected ids 0 to 3 once each, got ";
    return List.of(
        malformed("a gap", json -> vocabulary(json).put("b", 4), ids + "4 for 'b'"),
        malformed("an id twice", json -> vocabulary(json).put("b", 2), ids + "2 for 'b'"),
        malformed("a negative id", json -> vocabulary(json).put("b", -1), ids + "-1 for 'b'"),
        malformed("a fraction", json -> vocabulary(json).put("b", 3.5), ids + "3.5 for 'b'"),
        malformed("a string", json -> vocabulary(json).put("b", "3"), ids + "\"3\" for 'b'"),
        malformed(
            "a list",
            json -> model(json).putArray("vocab").add("[PAD]").add("[UNK]"),
            "expected a vocabulary of words and their ids"),
        malformed(
            "no padding",
            json -> vocabulary(json).put("[PAD]", 2).put("a", 0),
            "expected a vocabulary that begins with [PAD] and [UNK]"));
  }

  private static DynamicTest malformed(String name, Consumer<ObjectNode> change, String problem) {
    return DynamicTest.dynamicTest(
        name,
        () ->
            assertThatThrownBy(() -> changed(change))
                .isInstanceOf(FormatException.class)
                .hasMessage("t.json: " + problem));
  }

  @Test
  void refusesWhatIsNotJson() {
    assertThatThrownBy(() -> WordTokenizer.read("t.json", "{\"model\":"))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("t.json: not JSON: ");
    assertThatThrownBy(() -> WordTokenizer.read("t.json", ""))
        .isInstanceOf(UnsupportedException.class);
  }

  private static WordTokenizer changed(Consumer<ObjectNode> change) throws IOException {
    ObjectNode json = (ObjectNode) JSON.readTree(WordTokenizer.fit(List.of("a b"), 4, 1).json());
    change.accept(json);
    return WordTokenizer.read("t.json", json.toString());
  }

  private static ObjectNode model(ObjectNode json) {
    return (ObjectNode) json.path("model");
  }

  private static ObjectNode vocabulary(ObjectNode json) {
    return (ObjectNode) model(json).path("vocab");
  }
}
