package io.athanor.api.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.ValidationException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LanguageEncodingTest {
  private static final WordTokenizer WORDS = WordTokenizer.fit(List.of("a b c"), 10, 1);

  private static LanguageEncoding encoding(Task task, int contextLength, Integer... endIds) {
    return new LanguageEncoding(
        task, WORDS, contextLength, List.of(endIds), Optional.empty(), Map.of());
  }

  @Test
  void itsSignatureIsTokensOfTheVocabulary() {
    LanguageEncoding encoding = encoding(new Task.Generation("text"), 12, 4);

    assertThat(encoding.signature())
        .isEqualTo(
            new Signature(
                List.of(new Feature.Tokens("tokens", 5, 12)), new Task.Generation("text")));
    assertThat(encoding.tokenizer()).contains(WORDS);
  }

  @Test
  void itStaysAsItWas() {
    List<Integer> ends = new ArrayList<>(List.of(2));
    Map<String, String> special = new HashMap<>(Map.of("eos_token", "c"));
    Task task = new Task.Generation("text");
    LanguageEncoding encoding =
        new LanguageEncoding(task, WORDS, 9, ends, Optional.of("{{ x }}"), special);
    ends.clear();
    special.clear();

    assertThat(encoding.endIds()).containsExactly(2);
    assertThat(encoding.specialTokens()).containsExactly(Map.entry("eos_token", "c"));
  }

  @Test
  void allProblemsAreToldTogether() {
    assertThatThrownBy(() -> encoding(new Task.Regression("price"), 0, 1, 5))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "a language encoding is for generation, preferences or embeddings, got"
                + " Regression[target=price]")
        .hasMessageContaining("contextLength must be at least 1, got 0")
        .hasMessageContaining("end ids must be in [0, 5), got [1, 5]");
    assertThatThrownBy(() -> encoding(new Task.Generation("text"), 1, -1))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("end ids must be in [0, 5), got [-1]");
  }

  @Test
  void itIsForTextsNotForLabels() {
    Task labels = new Task.Classification("class", List.of("x", "y"));

    assertThatThrownBy(() -> encoding(labels, 4))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("got Classification[target=class, labels=[x, y]]");
    assertThat(encoding(new Task.Embedding("match", 0.1), 4).task().target()).isEqualTo("match");
    assertThat(encoding(new Task.PreferenceRanking("answer", 0.1), 4).endIds()).isEmpty();
  }
}
