package io.athanor.api.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizersTest {
  @Test
  void readsWordsWithoutAnyLibrary() {
    WordTokenizer words = WordTokenizer.fit(List.of("a b c"), 10, 1);

    assertThat(Tokenizers.read("tokenizer.json", words.json())).isEqualTo(words);
  }

  @ParameterizedTest
  @CsvSource({"'{\"type\":\"Unigram\"}',Unigram", "{},BPE"})
  void aKindThatNothingReadsNamesTheArtifactToAdd(String model, String type) {
    assertThatThrownBy(() -> Tokenizers.read("tokenizer.json", "{\"model\":" + model + "}"))
        .isInstanceOf(UnsupportedException.class)
        .hasMessage(
            "Unsupported: the tokenizer in tokenizer.json is of type '"
                + type
                + "', and none installed reads that. Add the artifact io.athanor:models to the"
                + " class path");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | missing field 'model'",
        "{\"model\":7} | model: expected an object",
        "{\"model\":{\"type\":7}} | 'type' must be a text, got number 7",
        "{\"model\": | not JSON",
      })
  void whatIsNoTokenizerIsRefused(String json, String message) {
    assertThatThrownBy(() -> Tokenizers.read("tokenizer.json", json))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("tokenizer.json: ")
        .hasMessageContaining(message);
  }
}
