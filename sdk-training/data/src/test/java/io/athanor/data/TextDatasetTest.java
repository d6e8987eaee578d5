package io.athanor.data;

import static io.athanor.data.Texts.all;
import static io.athanor.data.Texts.batches;
import static io.athanor.data.Texts.rows;
import static io.athanor.data.Texts.shown;
import static io.athanor.data.Texts.tensor;
import static io.athanor.data.Texts.texts;
import static io.athanor.data.Texts.whole;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TextDatasetTest {
  private static final String TOKENS = LanguageEncoding.TOKENS;
  private static final String TARGET = "target";

  @Test
  void learnsEveryTokenOfADocumentAndThatItEnds() {
    Batch batch = whole(documents("hello", "me").train());

    assertThat(shown(batch, TOKENS)).containsExactly("hello$", "me$___");
    assertThat(shown(batch, TARGET)).containsExactly("ello$.", "e$....");
    assertThat(batch.rows()).isEqualTo(2);
    assertThat(batch.scored()).isEqualTo(7);
    assertThat(tensor(batch, Batch.EXAMPLE).longs()).containsExactly(0, 1);
  }

  @Test
  void beginsADocumentAsTheTokenizerBeginsATextAndNeverTwice() {
    TextDataset set = TextDataset.documents(texts("ab", "cd</s>"), "text");

    Batch batch = whole(all(set.tokenizer(CharTokenizer.beginning())).train());

    assertThat(shown(batch, TOKENS)).containsExactly("^ab$", "^cd$");
    assertThat(shown(batch, TARGET)).containsExactly("ab$.", "cd$.");
  }

  @Test
  void cutsALongDocumentIntoPartsThatLearnEveryTokenOnce() {
    TextSplit split =
        all(
            TextDataset.documents(texts("abcdefghij"), "text")
                .tokenizer(CharTokenizer.plain())
                .contextLength(4));

    Batch batch = whole(split.train());

    assertThat(shown(batch, TOKENS)).containsExactly("abcd", "defg", "ghij", "j$__");
    assertThat(shown(batch, TARGET)).containsExactly("bcd.", "efg.", "hij.", "$...");
    assertThat(tensor(batch, Batch.EXAMPLE).longs()).containsExactly(0, 0, 0, 0);
    assertThat(split.profile().cut()).isZero();
  }

  @Test
  void readsTheOverlapOfPartsForContextOnly() {
    Batch batch =
        whole(
            all(TextDataset.documents(texts("abcdefgh"), "text")
                    .tokenizer(CharTokenizer.plain())
                    .contextLength(5)
                    .overlap(3))
                .train());

    assertThat(shown(batch, TOKENS)).containsExactly("abcde", "cdefg", "efgh$");
    assertThat(shown(batch, TARGET)).containsExactly("bcde.", "..fg.", "..h$.");
    assertThat(batch.scored()).isEqualTo(8);
  }

  @Test
  void learnsCompletionsAndNotTheirPrompts() {
    Batch batch =
        whole(
            completions(20, List.of(Map.of("ask", "Q:1+1=", "say", "2"), Map.of("say", "no")))
                .train());

    assertThat(shown(batch, TOKENS)).containsExactly("^Q:1+1=2$", "^no$_____");
    assertThat(shown(batch, TARGET)).containsExactly("......2$.", "no$......");
  }

  @Test
  void cutsAPromptThatIsTooLongAtItsBeginning() {
    TextSplit split = completions(6, List.of(Map.of("ask", "abcdef", "say", "xy")));

    Batch batch = whole(split.train());

    assertThat(shown(batch, TOKENS)).containsExactly("^efxy$");
    assertThat(shown(batch, TARGET)).containsExactly("..xy$.");
    assertThat(split.profile().cut()).isEqualTo(1);
    assertThat(split.provenance().steps().get(2).detail()).contains("; 1 rows cut");
  }

  @Test
  void refusesCompletionsThatDoNotFitAndNamesTheLongest() {
    TextSplit split =
        completions(
            6,
            List.of(
                Map.of("ask", "a", "say", "x"),
                Map.of("ask", "a", "say", "123456"),
                Map.of("ask", "ab", "say", "12345678")));

    assertThatThrownBy(split::train)
        .isInstanceOf(ValidationException.class)
        .hasMessage(
            "Invalid text: 2 of the 3 rows of train do not fit into 6 tokens even without their"
                + " prompts; the longest has 12 (memory, line 3). Raise contextLength, shorten"
                + " them, or leave them out with withoutLong()");
  }

  @Test
  void leavesOutWhatDoesNotFitWhenTold() {
    TextSplit split =
        all(
            completionSet(
                    6,
                    List.of(Map.of("ask", "ab", "say", "12345678"), Map.of("ask", "a", "say", "x")))
                .withoutLong());

    assertThat(shown(whole(split.train()), TOKENS)).containsExactly("^ax$");
    assertThat(split.profile().tooLong()).isEqualTo(1);
    assertThat(split.train().rows()).isEqualTo(1);
  }

  @Test
  void leavesOutAndCountsRowsWithNothingToLearn() {
    TextSplit split = documents("", "abc", "");

    assertThat(shown(whole(split.train()), TOKENS)).containsExactly("abc$");
    assertThat(split.profile().empty()).isEqualTo(2);
    assertThat(split.profile())
        .hasToString(
            "3 rows, 1 sequences, 4 tokens, 3 of them learned, longest row 4; 2 left out with"
                + " nothing to learn");
  }

  @Test
  void refusesRowsOfWhichNoneHasAnythingToLearn() {
    TextSplit split = completions(8, List.of(Map.of("ask", "a"), Map.of("ask", "b", "say", "")));

    assertThatThrownBy(split::train)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("none of the 2 rows of train has a token to learn")
        .hasMessageContaining("Check the columns [ask, say]");
  }

  @Test
  void refusesCompletionsOfWhichNoneFitsEvenWhenLongOnesMayBeLeftOut() {
    TextSplit split =
        all(completionSet(6, List.of(Map.of("ask", "a", "say", "1234567"))).withoutLong());

    assertThatThrownBy(split::train)
        .isInstanceOf(ValidationException.class)
        .hasMessage(
            "Invalid text: none of the 1 rows of train has a token to learn: 1 rows, 0 sequences,"
                + " 0 tokens, 0 of them learned, longest row 10; 1 left out as too long. Check the"
                + " columns [ask, say]");
  }

  @Test
  void putsTheBetterAnswerBeforeTheWorseOneWithTheSamePrompt() {
    TextDataset set =
        TextDataset.preferences(
                rows(
                    List.of(
                        Map.of("p", "abcdef", "good", "x", "bad", "yz"),
                        Map.of("p", "q", "good", "same", "bad", "same"),
                        Map.of("p", "q", "good", "1", "bad", "2"))),
                "p",
                "good",
                "bad",
                0.3)
            .tokenizer(CharTokenizer.plain())
            .contextLength(6);
    TextSplit split = all(set);

    Batch batch = whole(split.train());

    assertThat(shown(batch, TOKENS)).containsExactly("defx$_", "defyz$", "q1$___", "q2$___");
    assertThat(shown(batch, TARGET)).containsExactly("..x$..", "..yz$.", "1$....", "2$....");
    assertThat(tensor(batch, Batch.EXAMPLE).longs()).containsExactly(0, 0, 1, 1);
    assertThat(batch.scored()).isEqualTo(2);
    assertThat(split.profile().empty()).isEqualTo(1);
    assertThat(split.encoding().task()).isEqualTo(new Task.PreferenceRanking("good", 0.3));
  }

  @Test
  void keepsPairsTogetherInEveryOrder() {
    List<Map<String, String>> given =
        IntStream.range(0, 30)
            .mapToObj(i -> Map.of("q", "q" + "a".repeat(i % 7), "m", "m" + "b".repeat(i % 5)))
            .toList();
    TextSplit split =
        all(TextDataset.pairs(rows(given), "q", "m").tokenizer(CharTokenizer.plain()));

    List<Batch> all = batches(split.train(), BatchOrder.shuffled(8, 3, 0));

    assertThat(all).hasSize((int) split.train().count(8)).hasSize(8);
    assertThat(split.train().rows()).isEqualTo(60);
    int rows = 0;
    for (Batch batch : all) {
      long[] examples = tensor(batch, Batch.EXAMPLE).longs();
      List<String> texts = shown(batch, TOKENS);
      for (int row = 0; row < batch.rows(); row += 2) {
        Map<String, String> pair = given.get((int) examples[row]);
        assertThat(examples[row + 1]).isEqualTo(examples[row]);
        assertThat(texts.get(row).replace("_", "")).isEqualTo(pair.get("q"));
        assertThat(texts.get(row + 1).replace("_", "")).isEqualTo(pair.get("m"));
      }
      rows += batch.rows();
      assertThat(batch.scored()).isEqualTo(batch.rows() / 2);
      assertThat(batch.tensors().keySet())
          .containsExactlyInAnyOrder(TOKENS, "tokens.mask", Batch.EXAMPLE);
    }
    assertThat(rows).isEqualTo(60);
    assertThatThrownBy(() -> split.train().open(BatchOrder.sequential(5)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("make it a multiple of 2, got 5");
  }

  @Test
  void masksThePaddingOfPairsAndCutsTheirEnds() {
    TextSplit split =
        all(
            TextDataset.pairs(
                    rows(List.of(Map.of("q", "abcdef", "m", "x"), Map.of("q", "", "m", "y"))),
                    "q",
                    "m")
                .tokenizer(new CharTokenizer(List.of(1), List.of(2)))
                .contextLength(5));

    Batch batch = whole(split.train());

    assertThat(shown(batch, TOKENS)).containsExactly("^abc$", "^x$__");
    assertThat(tensor(batch, "tokens.mask").floats()).containsExactly(1, 1, 1, 1, 1, 1, 1, 1, 0, 0);
    assertThat(split.profile().cut()).isEqualTo(1);
    assertThat(split.profile().empty()).isEqualTo(1);
  }

  @Test
  void givesEqualBatchesForEqualOrdersWhateverTheCacheHolds() {
    TextDataset set = TextDataset.documents(texts(varied(300)), "text");
    TextSplit cached = all(set.tokenizer(CharTokenizer.plain()).contextLength(16));
    BatchOrder order = BatchOrder.shuffled(8, 42, 1);
    List<Batch> expected = batches(cached.train(), order);

    assertThat(batches(cached.cacheBytes(0).train(), order)).isEqualTo(expected);
    assertThat(batches(cached.cacheBytes(20_000).train(), order)).isEqualTo(expected);
    assertThat(batches(cached.train(), BatchOrder.shuffled(8, 42, 2))).isNotEqualTo(expected);
    for (int from : new int[] {0, 1, 7, expected.size() - 1, expected.size(), 1_000}) {
      int first = Math.min(from, expected.size());
      assertThat(batches(cached.train(), order.from(from)))
          .isEqualTo(expected.subList(first, expected.size()));
    }
    assertThat(expected).hasSize((int) cached.train().count(8));
  }

  @Test
  void putsSequencesOfSimilarLengthIntoABatch() {
    TextSplit split =
        all(TextDataset.documents(texts(varied(400)), "text").tokenizer(CharTokenizer.plain()));
    long padding = 0;
    long size = 0;
    for (Batch batch : batches(split.train(), BatchOrder.shuffled(8, 1, 0))) {
      for (long id : tensor(batch, TOKENS).longs()) {
        padding += id == CharTokenizer.PADDING ? 1 : 0;
        size++;
      }
    }
    assertThat((double) padding / size).isLessThan(0.05);
  }

  @Test
  void dealsRowsToPartsThatShareNone() {
    String[] given =
        IntStream.range(0, 50).mapToObj(i -> "text " + (char) (i + 40)).toArray(String[]::new);
    TextSplit split =
        TextDataset.documents(texts(given), "text")
            .tokenizer(CharTokenizer.plain())
            .split(0.6, 0.2, 0.2)
            .seed(3);

    List<String> all = new ArrayList<>(shown(whole(split.train()), TOKENS));
    assertThat(all).hasSize(30);
    all.addAll(shown(whole(split.validation().orElseThrow()), TOKENS));
    assertThat(all).hasSize(40);
    all.addAll(shown(whole(split.test()), TOKENS));
    assertThat(all)
        .containsExactlyInAnyOrderElementsOf(List.of(given).stream().map(t -> t + "$").toList());
    assertThat(split.provenance().splits())
        .isEqualTo(Map.of("train", 30L, "validation", 10L, "test", 10L));
  }

  @Test
  void readsWithTheTokenizerOfTheModelAndSaysSoInTheProvenance() {
    TextSplit split = all(TextDataset.documents(texts("ab"), "text"));

    assertThatThrownBy(split::encoding)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("there is no tokenizer; call tokenizer(...)");

    TextSplit plain = split.tokenizedBy(CharTokenizer.plain());
    TextSplit begun = split.tokenizedBy(CharTokenizer.beginning());
    assertThat(shown(whole(plain.train()), TOKENS)).containsExactly("ab$");
    assertThat(shown(whole(begun.train()), TOKENS)).containsExactly("^ab$");
    assertThat(plain.encoding().endIds()).containsExactly(CharTokenizer.END);
    assertThat(plain.provenance().steps())
        .extracting(step -> step.name())
        .containsExactly("select", "split", "tokenize");
    assertThat(plain.provenance().steps().get(2).detail())
        .contains("documents by tokenizer sha256:")
        .contains("context 512");
    assertThat(plain.provenance()).isEqualTo(split.tokenizedBy(CharTokenizer.plain()).provenance());
    assertThat(plain.provenance().steps().get(2).fingerprint())
        .isNotEqualTo(begun.provenance().steps().get(2).fingerprint());
  }

  @Test
  void readsAsAModelDidThatIsTrainedFurther() {
    LanguageEncoding model =
        new LanguageEncoding(
            new Task.Generation("said"),
            CharTokenizer.plain(),
            4,
            List.of((int) '!'),
            Optional.of("template"),
            Map.of());
    TextSplit split = all(TextDataset.documents(texts("abc"), "text")).encodedBy(model);

    assertThat(split.encoding()).isEqualTo(model);
    assertThat(shown(whole(split.train()), TOKENS)).containsExactly("abc!");
    assertThatThrownBy(() -> all(TextDataset.pairs(texts("abc"), "text", "other")).encodedBy(model))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the encoding is that of a model for Generation[target=said]");
  }

  @Test
  void wantsToKnowWhatEndsAText() {
    WordTokenizer words = WordTokenizer.fit(List.of("to be or not to be"), 10, 1);
    TextDataset set = TextDataset.documents(texts("to be", "or be"), "text").tokenizer(words);

    assertThatThrownBy(all(set)::train)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("name it with endToken(...), or call withoutEndToken()");
    assertThatThrownBy(all(set.endToken("stop"))::train)
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No token 'stop' in the tokenizer's vocabulary");
    int not = words.id("not").orElseThrow();
    assertThat(whole(all(set.endToken("not")).train()).tensors().get(TOKENS).longs())
        .hasSize(6)
        .endsWith(not);
    assertThat(whole(all(set.withoutEndToken()).train()).tensors().get(TOKENS).longs()).hasSize(4);
  }

  @Test
  void refusesColumnsThatAreMissingOrTheSame() {
    TextDataset set = TextDataset.documents(texts("a"), "other").tokenizer(CharTokenizer.plain());
    assertThatThrownBy(all(set)::train)
        .isInstanceOf(NotFoundException.class)
        .hasMessage("No column 'other' in memory; there is text. Correct the name");
    assertThatThrownBy(() -> TextDataset.pairs(texts("a"), "text", "text"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("columns must differ, got [text, text]");
  }

  @Test
  void refusesSettingsThatCannotBe() {
    TextDataset set = TextDataset.documents(texts("a"), "text").tokenizer(CharTokenizer.plain());

    assertThatThrownBy(() -> set.contextLength(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tokens must be at least 2, got 1");
    assertThatThrownBy(all(set.contextLength(8).overlap(8))::train)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the overlap of 8 must be below the context length 8");
    assertThatThrownBy(() -> TextDataset.pairs(texts("a"), "text", "other").packed())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("preferences and pairs cannot be packed");
    assertThatThrownBy(() -> TextDataset.pairs(texts("a"), "text", "other").overlap(2))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(all(set)::test)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("it has no test rows");
  }

  private static TextSplit documents(String... given) {
    return all(TextDataset.documents(texts(given), "text").tokenizer(CharTokenizer.plain()));
  }

  private static TextDataset completionSet(int context, List<Map<String, String>> given) {
    return TextDataset.completions(rows(given), "ask", "say")
        .tokenizer(CharTokenizer.beginning())
        .contextLength(context);
  }

  private static TextSplit completions(int context, List<Map<String, String>> given) {
    return all(completionSet(context, given));
  }

  private static String[] varied(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "t" + "abcdefg".repeat(i * 31 % 11) + i)
        .toArray(String[]::new);
  }
}
