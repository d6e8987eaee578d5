package io.athanor.training.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.PromptTuning;
import io.athanor.tck.fixture.TinyGraphs;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.fixture.TinyLanguageModel;
import io.athanor.training.fixture.TinyText;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromptTuningTest {
  private static final Backend BACKEND =
      new ReferenceBackendProvider().open(BackendOptions.defaults());
  private static final TinyText TEXT = TinyText.counting(16, 1, 3);

  private static TunedModel tuned(Graph graph, Weights weights, PromptTuning prompt) {
    return TunedModel.of(prompt, graph, weights, Optional.of(TEXT.tokenizer()), 4);
  }

  private static Graph languageModel(boolean rotary) {
    return new TinyLanguageModel(rotary).graph(TEXT.encoding().signature());
  }

  /** What virtual tokens of a text do is what the text itself does, written before the tokens. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void virtualTokensOfATextActAsTheText(boolean rotary) {
    Graph graph = languageModel(rotary);
    Weights weights = Weights.initialize(graph, 2);
    TunedModel prompted = tuned(graph, weights, PromptTuning.tokens(3).startingFrom("c a b"));
    int[] before = TEXT.tokenizer().encode("c a b", 9);
    int[] after = TEXT.tokenizer().encode("d e f g", 9);

    float[] whole = predict(graph, weights, concat(before, after));
    float[] rest = predict(prompted.graph(), prompted.weights(), after);

    int vocabulary = TEXT.tokenizer().vocabularySize();
    assertThat(rest).hasSize(4 * vocabulary);
    float[] expected = Arrays.copyOfRange(whole, 3 * vocabulary, 7 * vocabulary);
    for (int i = 0; i < rest.length; i++) {
      assertThat(rest[i]).isCloseTo(expected[i], within(1e-5f));
    }
  }

  private static int[] concat(int[] one, int[] other) {
    int[] both = Arrays.copyOf(one, one.length + other.length);
    System.arraycopy(other, 0, both, one.length, other.length);
    return both;
  }

  private static float[] predict(Graph graph, Weights weights, int[] ids) {
    long[] tokens = Arrays.stream(ids).asLongStream().toArray();
    try (CompiledModel model = BACKEND.compile(graph.forPrediction(), weights, Precision.F32)) {
      Tensor input = Tensor.ofLongs(tokens, 1, tokens.length);
      return Weights.of(model.predict(Map.of("tokens", input))).tensor("output").floats();
    }
  }

  /** The last layer's network after its attention reads the tokens only. */
  @Test
  void theFurtherPositionsGoAfterTheLastAttention() {
    Graph graph =
        tuned(
                languageModel(true),
                Weights.initialize(languageModel(true), 1),
                PromptTuning.tokens(2))
            .graph();

    List<String> skipped =
        graph.nodes().stream()
            .filter(node -> node.op() instanceof SequenceOp.Skip)
            .map(Node::name)
            .toList();
    assertThat(skipped).hasSize(2).contains("layers.1.self_attn.shortened");
    assertThat(graph.type("layers.0.mlp.up_proj").shape()).hasToString("[batch, sequence+2, 16]");
    assertThat(graph.type("layers.1.mlp.up_proj").shape()).hasToString("[batch, sequence, 16]");
  }

  @Test
  void aClassifierPoolsOnlyItsTokens() {
    Graph graph = TinyGraphs.textEncoder(0);
    Weights weights = Weights.initialize(graph, 3);
    MicroBatch batch = TinyGraphs.batch(graph, 4, 6, 8);
    TunedModel prompted =
        TunedModel.of(PromptTuning.tokens(2), graph, weights, Optional.empty(), 4);
    Graph trained = prompted.graph();

    assertThat(trained.nodes().stream().filter(n -> n.op() instanceof SequenceOp.Prepend))
        .hasSize(1);
    assertThat(trained.parameters().stream().filter(Parameter::trained).map(Parameter::name))
        .containsExactly("prompt_embeddings");
    TrainingMode mode = new TrainingMode(Optimizer.adam(), Precision.F32, 0);
    try (TrainableModel model = BACKEND.compile(trained, prompted.weights(), mode)) {
      double first = model.loss(batch);
      for (int step = 0; step < 20; step++) {
        model.step(List.of(batch), new StepSettings(0.05, 0));
      }
      assertThat(model.loss(batch)).isLessThan(first - 0.05);
      assertThat(model.learned().tensors()).containsOnlyKeys("prompt_embeddings");
      Map<String, Tensor> others = new LinkedHashMap<>(model.weights().tensors());
      others.remove("prompt_embeddings");
      assertThat(others).isEqualTo(weights.tensors());
    }
  }

  @Test
  void anAdapterOfVirtualTokensGoesBackOntoItsBase() {
    ModelArtifact base =
        Training.of(new TinyLanguageModel(true), TEXT).backend(BACKEND).epochs(1).run().model();
    ModelArtifact model =
        Training.of(base, TEXT)
            .backend(BACKEND)
            .epochs(2)
            .tuning(PromptTuning.tokens(2).startingFrom("a"))
            .run()
            .model();

    Adapter adapter = Adapters.extract(model);

    assertThat(adapter.tensors()).containsOnlyKeys("prompt_embeddings");
    assertThat(Adapters.attach(base, adapter).weights()).isEqualTo(model.weights());
    assertThat(Adapters.attach(base, adapter).graph()).isEqualTo(model.graph());
    assertThatThrownBy(() -> Adapters.merge(model)).hasMessageContaining("cannot be merged");
    Tensor wide = Tensor.ofFloats(new float[18], 2, 9);
    assertThatThrownBy(
            () ->
                Adapters.attach(
                    base,
                    new Adapter(
                        PromptTuning.tokens(2),
                        Map.of("prompt_embeddings", wide),
                        Optional.empty())))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("expected 'prompt_embeddings' [2, 8], got F32[2, 9]");
  }

  @Test
  void refusesVirtualTokensThatTheTableOfPositionsHasNoRoomFor() {
    Training training =
        Training.of(new TinyLanguageModel(false), TEXT)
            .backend(BACKEND)
            .tuning(PromptTuning.tokens(3));

    assertThatThrownBy(training::start)
        .isInstanceOf(ValidationException.class)
        .hasMessage(
            "Invalid tuning of 'tiny-language-model': 3 virtual tokens leave 17 of the positions of"
                + " 'wpe.weight' to the text, which may have 20 tokens. Use a shorter context,"
                + " fewer virtual tokens, a model with rotary positions, or Lora");
    assertThatThrownBy(training.tuning(PromptTuning.tokens(30))::start)
        .hasMessageContaining("30 virtual tokens leave 0 of the positions");
  }

  @Test
  void saysWhatCannotHaveVirtualTokens() {
    Graph mlp = TinyGraphs.mlp();

    assertThatThrownBy(
            () ->
                TunedModel.of(
                    PromptTuning.tokens(2), mlp, Weights.initialize(mlp, 1), Optional.empty(), 1))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("virtual tokens need one table that reads the tokens");
    assertThatThrownBy(
            () ->
                Training.of(new TinyLanguageModel(true), TEXT.withPacking())
                    .backend(BACKEND)
                    .tuning(PromptTuning.tokens(2))
                    .start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("virtual tokens come before one text");
    assertThatThrownBy(() -> PromptTuning.tokens(0)).hasMessage("tokens must be at least 1, got 0");
  }
}
