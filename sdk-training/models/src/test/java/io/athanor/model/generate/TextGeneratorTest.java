package io.athanor.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.model.text.ChatMessage;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.fixture.TinyLanguageModels;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TextGeneratorTest {
  private static final GenerationSettings GREEDY = GenerationSettings.greedy();

  private long now;

  private static LanguageEncoding encoding(int context, Optional<String> template) {
    return new LanguageEncoding(
        new Task.Generation("text"),
        new ByteTokenizer(),
        context,
        List.of(ByteTokenizer.END),
        template,
        Map.of("bos_token", "<s>"));
  }

  private TextGenerator generator(ScriptedDecoder decoder) {
    return generator(TinyLanguageModels.groupedKeys(), decoder, encoding(64, Optional.empty()));
  }

  private TextGenerator generator(Graph graph, ScriptedDecoder decoder, LanguageEncoding encoding) {
    return new TextGenerator(graph, encoding, decoder, () -> now += 1_000_000);
  }

  /** A generator that says a text after the prompt "Hi", which has three tokens. */
  private TextGenerator saying(String text) {
    return generator(ScriptedDecoder.saying(3, text));
  }

  @Test
  void endTokenEndsTheAnswerAndIsNoPartOfIt() {
    Generated answer = saying("there").generate("Hi");
    assertThat(answer.text()).isEqualTo("there");
    assertThat(answer.finish()).isEqualTo(FinishReason.END_TOKEN);
    assertThat(answer.tokens()).hasSize(5).doesNotContain(ByteTokenizer.END);
    assertThat(answer.promptTokens()).isEqualTo(3);
    assertThat(answer.likelihoods()).isEmpty();
  }

  @Test
  void piecesAreWholeCharactersAndMakeUpTheText() {
    String text = "é€😀 z";
    List<String> pieces = new ArrayList<>();
    Generated answer = saying(text).generate("Hi", GREEDY, pieces::add);
    assertThat(pieces).containsExactly("é", "€", "😀", " ", "z");
    assertThat(answer.text()).isEqualTo(text);
  }

  @Test
  void characterThatIsNeverCompletedIsMarkedAtTheEnd() {
    GenerationSettings two = GREEDY.toBuilder().maxNewTokens(2).build();
    List<String> pieces = new ArrayList<>();
    assertThat(saying("a€").generate("Hi", two, pieces::add).text()).isEqualTo("a\uFFFD");
    assertThat(pieces).containsExactly("a", "\uFFFD");
  }

  @Test
  void stopStringAcrossTokensIsCutAndNeverHeard() {
    GenerationSettings settings = GREEDY.toBuilder().stopAt("STOP").stopAt("\n\n").build();
    List<String> pieces = new ArrayList<>();
    Generated answer = saying("one STAY\ntwo STOP three").generate("Hi", settings, pieces::add);
    assertThat(answer.text()).isEqualTo("one STAY\ntwo ");
    assertThat(answer.finish()).isEqualTo(FinishReason.STOP_STRING);
    assertThat(String.join("", pieces)).isEqualTo(answer.text());
    assertThat(pieces).contains("STA").doesNotContain("S", "ST");
    assertThat(answer.tokens()).hasSize("one STAY\ntwo STOP".length());
  }

  @Test
  void beginningOfStopStringIsGivenOutWhenNothingFollows() {
    GenerationSettings settings = GREEDY.toBuilder().stopAt("###").build();
    assertThat(saying("a##").generate("Hi", settings).text()).isEqualTo("a##");
    GenerationSettings two = settings.toBuilder().maxNewTokens(2).build();
    Generated cut = saying("a##b").generate("Hi", two);
    assertThat(cut.text()).isEqualTo("a#");
    assertThat(cut.finish()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void answerEndsAtTheMostNewTokensAndAtTheEndOfTheContext() {
    ScriptedDecoder decoder = ScriptedDecoder.saying(3, "abcdefghij");
    Generated four = generator(decoder).generate("Hi", GREEDY.toBuilder().maxNewTokens(4).build());
    assertThat(four.text()).isEqualTo("abcd");
    assertThat(four.finish()).isEqualTo(FinishReason.LENGTH);
    assertThat(decoder.capacity).isEqualTo(7);
    TextGenerator small =
        generator(
            TinyLanguageModels.groupedKeys(),
            ScriptedDecoder.saying(3, "abcdefghij"),
            encoding(8, Optional.empty()));
    assertThat(small.generate("Hi").text()).isEqualTo("abcde");
  }

  @Test
  void listenerEndsItsOwnPromptOnly() {
    ScriptedDecoder decoder = ScriptedDecoder.saying(3, "abcd");
    List<Generated> answers =
        generator(decoder)
            .generate(
                List.of(Prompt.of("Hi"), Prompt.of("Ho")),
                GREEDY,
                (prompt, piece) -> prompt == 1 || !piece.equals("b"));
    assertThat(answers.get(0).text()).isEqualTo("ab");
    assertThat(answers.get(0).finish()).isEqualTo(FinishReason.CANCELLED);
    assertThat(answers.get(1).text()).isEqualTo("abcd");
    assertThat(answers.get(1).finish()).isEqualTo(FinishReason.END_TOKEN);
    assertThat(decoder.sizes).containsExactly(2, 2, 1, 1, 1);
  }

  @Test
  void promptsOfABatchGetWhatTheyGetAlone() {
    ScriptedDecoder decoder =
        new ScriptedDecoder(
            row -> {
              int last = row.get(row.size() - 1);
              return ScriptedDecoder.onlyFor(last < 'e' ? last + 1 : ByteTokenizer.END);
            });
    TextGenerator generator = generator(decoder);
    List<Prompt> prompts = List.of(Prompt.of("xc"), Prompt.of("a"), Prompt.of("yyye"));
    List<Generated> answers = generator.generate(prompts, GREEDY);
    assertThat(answers).extracting(Generated::text).containsExactly("de", "bcde", "");
    for (int i = 0; i < prompts.size(); i++) {
      assertThat(generator.generate(prompts.get(i).text()).tokens())
          .isEqualTo(answers.get(i).tokens());
    }
    assertThat(generator.generate(List.of(), GREEDY)).isEmpty();
  }

  @Test
  void likelihoodsComeForEachToken() {
    GenerationSettings settings = GREEDY.toBuilder().alternatives(2).build();
    Generated answer = saying("ab").generate("Hi", settings);
    assertThat(answer.likelihoods()).extracting(TokenLikelihood::id).containsExactly(97, 98);
    double expected = -Math.log(1 + (ByteTokenizer.SIZE - 1) * Math.exp(-9));
    assertThat(answer.likelihoods().get(0).logProbability())
        .isCloseTo(expected, org.assertj.core.api.Assertions.within(1e-9));
    assertThat(answer.likelihoods().get(0).alternatives()).hasSize(2);
  }

  @Test
  void timesAreThoseOfTheClock() {
    // One millisecond passes at every look: one at the start and one for each of four tokens.
    Generated answer = saying("abc").generate("Hi");
    assertThat(answer.timeToFirstToken()).isEqualTo(Duration.ofMillis(1));
    assertThat(answer.tokensPerSecond()).isEqualTo(2 / 0.003);
  }

  @Test
  void promptsThatDoNotFitAreReportedTogether() {
    List<Prompt> prompts = List.of(Prompt.of(""), Prompt.of("ok"), Prompt.of("x".repeat(63)));
    assertThatThrownBy(() -> saying("").generate(prompts, GREEDY))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("prompt 0 has no tokens")
        .hasMessageContaining("prompt 2 has 64 tokens, and the model's context is 64");
  }

  @Test
  void inputsOfPromptsReachTheModel() {
    ScriptedDecoder decoder = ScriptedDecoder.saying(3, "");
    TextGenerator generator =
        generator(TinyLanguageModels.adapters(), decoder, encoding(64, Optional.empty()));
    generator.generate(
        List.of(Prompt.of("Hi").with("adapter", 2), Prompt.of("Ho").with("adapter", 0)), GREEDY);
    assertThat(decoder.inputs.get("adapter").longs()).containsExactly(2, 0);
    assertThatThrownBy(() -> generator.generate("Hi"))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("lacks the input 'adapter'");
  }

  @Test
  void conversationGoesThroughTheTemplateWithoutFurtherSpecialTokens() {
    String template =
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
            + "{% if add_generation_prompt %}[assistant]{% endif %}";
    List<List<Integer>> read = new ArrayList<>();
    ScriptedDecoder decoder =
        new ScriptedDecoder(
            row -> {
              read.add(List.copyOf(row));
              return ScriptedDecoder.onlyFor(ByteTokenizer.END);
            });
    TextGenerator generator =
        generator(TinyLanguageModels.groupedKeys(), decoder, encoding(64, Optional.of(template)));
    generator.chat(List.of(ChatMessage.user("Hi")), GREEDY);
    int[] ids = read.get(0).stream().mapToInt(Integer::intValue).toArray();
    assertThat(new ByteTokenizer().decode(ids)).isEqualTo("<s>[user]Hi[assistant]");
    assertThat(ids).doesNotContain(ByteTokenizer.BEGIN);
  }

  @Test
  void modelWithoutTemplateSaysSo() {
    assertThatThrownBy(() -> saying("").chat(List.of(ChatMessage.user("Hi")), GREEDY))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("has no chat template");
  }

  @Test
  void modelThatReadsRowsIsRefused() {
    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults())) {
      assertThatThrownBy(() -> TextGenerator.of(TinyArtifacts.spam(), backend))
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("says no text");
    }
  }

  @Test
  void closingFreesTheDecoder() {
    ScriptedDecoder decoder = ScriptedDecoder.saying(3, "");
    generator(decoder).close();
    assertThat(decoder.closed).isTrue();
  }
}
