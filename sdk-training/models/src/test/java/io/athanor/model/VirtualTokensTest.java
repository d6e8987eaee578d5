package io.athanor.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.PromptTuning;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.tuning.Adapter;
import io.athanor.training.tuning.Adapters;
import io.athanor.training.tuning.TunedModel;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Virtual tokens before the texts of a small GPT-2, which has 32 learned positions. */
class VirtualTokensTest {
  private static final int SIZE = 16;

  private static ModelArtifact gpt2(int contextLength) {
    List<String> words = IntStream.range(0, 59).mapToObj(i -> "word" + i).toList();
    LanguageEncoding encoding =
        new LanguageEncoding(
            new Task.Generation("text"),
            WordTokenizer.fit(words, 61, 1),
            contextLength,
            List.of(),
            Optional.empty(),
            Map.of());
    return Models.pretrained(HuggingFaceFolder.read(ParityCase.folder("gpt2")))
        .artifact(encoding, Clock.fixed(Instant.EPOCH, ZoneOffset.UTC));
  }

  private static Adapter virtualTokens(int count) {
    Tensor vectors = Tensor.ofFloats(new float[count * SIZE], count, SIZE);
    return new Adapter(
        PromptTuning.tokens(count), Map.of("prompt_embeddings", vectors), Optional.empty());
  }

  @Test
  void theLongestTextStillHasPositions() {
    ModelArtifact prompted = Adapters.attach(gpt2(28), virtualTokens(4));

    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
        CompiledModel model =
            backend.compile(prompted.graph().forPrediction(), prompted.weights(), Precision.F32)) {
      Tensor longest = Tensor.ofLongs(new long[28], 1, 28);
      Tensor logits = model.predict(Map.of(LanguageEncoding.TOKENS, longest)).get(Signature.OUTPUT);
      assertThat(logits.shape()).containsExactly(1, 28, 61);
    }
  }

  @Test
  void aTextThatWouldLackPositionsIsRefusedBeforehand() {
    ModelArtifact base = gpt2(29);
    String problem =
        "4 virtual tokens leave 28 of the positions of 'transformer.wpe.weight' to the text, which"
            + " may have 29 tokens. Use a shorter context, fewer virtual tokens, a model with rotary"
            + " positions, or Lora";

    assertThatThrownBy(() -> Adapters.attach(base, virtualTokens(4)))
        .isInstanceOf(ValidationException.class)
        .hasMessage("Invalid adapter for 'gpt2': " + problem);
    assertThatThrownBy(
            () ->
                TunedModel.requirePositions(
                    PromptTuning.tokens(4), base.graph(), base.encoding().signature()))
        .isInstanceOf(ValidationException.class)
        .hasMessage("Invalid tuning of 'gpt2': " + problem);
  }
}
