package io.athanor.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.Tokenizers;
import io.athanor.api.error.ValidationException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;

class BytePairTrainingTest {
  private static final BytePairTraining TRAINING =
      BytePairTraining.of(600).specialTokens("<|endoftext|>", "<|im_start|>");

  /** The lines with their ends, as Python reads them. */
  private static List<String> corpus() {
    return List.of(Fixtures.text("tokenizers/corpus.txt").split("(?<=\n)"));
  }

  @Test
  void learnsTheMergesThatHuggingFaceLearns() throws JsonProcessingException {
    JsonNode expected = Fixtures.json("tokenizers/trained.json");

    JsonNode model = new ObjectMapper().readTree(TRAINING.train(corpus())).get("model");

    assertThat(model.get("merges").size()).isGreaterThan(100);
    assertThat(model.get("merges")).isEqualTo(expected.get("merges"));
    assertThat(model.get("vocab")).isEqualTo(expected.get("vocab"));
  }

  @Test
  void theLibraryReadsWhatItWritesAndGivesTextsBack() {
    Tokenizer tokenizer = Tokenizers.read("trained", TRAINING.train(corpus()));

    for (String text : List.of("The values of the table", "unseen Ωμέγα 🙂\n\t x", "日本語")) {
      assertThat(tokenizer.decode(tokenizer.encode(text, 1000))).isEqualTo(text);
    }
    assertThat(tokenizer.encode(" values", 9)).hasSize(1);
    assertThat(tokenizer.id("<|im_start|>")).hasValue(1);
    assertThat(tokenizer.tokenize("<|im_start|>")).hasSize(1);
    assertThat(tokenizer.paddingId()).isZero();
  }

  @Test
  void theSameTextsGiveTheSameVocabulary() {
    assertThat(TRAINING.train(corpus())).isEqualTo(TRAINING.train(corpus()));
  }

  @Test
  void stopsWhereNoPairIsFrequentEnough() {
    Tokenizer tokenizer =
        Tokenizers.read(
            "few", BytePairTraining.of(10_000).minimumCount(3).train(List.of("ab ab ab ac")));

    assertThat(tokenizer.vocabularySize()).isEqualTo(256 + 1);
    assertThat(tokenizer.id("ab")).isPresent();
  }

  @Test
  void tellsHowFarItIs() {
    List<BytePairTraining.Progress> seen = new ArrayList<>();

    TRAINING.onProgress(seen::add).train(corpus());

    assertThat(seen).hasSizeGreaterThan(20);
    assertThat(seen.get(seen.size() - 1).wanted()).isEqualTo(600);
    assertThat(seen.stream().map(BytePairTraining.Progress::tokens)).isSorted();
  }

  @Test
  void anInterruptEndsIt() {
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> TRAINING.train(corpus())).isInstanceOf(CancellationException.class);
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
    } finally {
      Thread.interrupted();
    }
  }

  @Test
  void nothingToLearnFromIsAnError() {
    assertThatThrownBy(() -> TRAINING.train(List.of("", "")))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("there is no text in the 2 texts");
  }

  @Test
  void aVocabularyMustHoldTheBytesAndSpecialTokens() {
    assertThatThrownBy(() -> BytePairTraining.of(256).specialTokens("<s>").train(corpus()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("expected at least 257");
    assertThatThrownBy(() -> BytePairTraining.of(255))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("vocabularySize");
    assertThatThrownBy(() -> BytePairTraining.of(300).specialTokens("<s>", "<s>"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("specialTokens");
    assertThatThrownBy(() -> BytePairTraining.of(300).minimumCount(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("minimumCount");
  }
}
