package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TrainingData;
import io.athanor.api.event.TrainingEvent;
import io.athanor.api.graph.Graph;
import io.athanor.api.model.Architecture;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.TrainingResult;
import io.athanor.api.training.Tuning;
import io.athanor.data.AdapterData;
import io.athanor.model.Models;
import io.athanor.training.Training;
import io.athanor.training.tuning.Adapters;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** LoRA and prompt tuning through the front door are on ND4J what they are on libtorch. */
class TuningTest {
  private static final Lora LORA = Lora.rank(4).alpha(8);

  private static Backend dl4j;
  private static Backend djl;

  @BeforeAll
  static void open() {
    dl4j = Network.dl4j();
    djl = Network.djl();
  }

  @AfterAll
  static void close() {
    dl4j.close();
    djl.close();
  }

  /** What is tuned, from what data, and how. */
  private record Case(String name, Architecture model, TrainingData data, Tuning tuning) {
    Training training(Backend backend) {
      return Training.of(model, data)
          .tuning(tuning)
          .backend(backend)
          .batchSize(6)
          .epochs(3)
          .learningRate(0.02)
          .clipNorm(1)
          .seed(5);
    }

    Map<String, Tensor> inputs() {
      try (Batches.Stream stream = data.train().open(BatchOrder.sequential(6))) {
        return stream.next().tensors();
      }
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    Architecture llama = Network.published("llama");
    Architecture gpt2 = Network.published("gpt2");
    Architecture encoder =
        Models.textClassifier().layers(1).size(8).heads(2).feedForward(16).dropout(0);
    TrainingData texts = Texts.continued(1);
    PromptTuning prompt = PromptTuning.tokens(4);
    return Stream.of(
        new Case("llama with LoRA", llama, texts, LORA),
        new Case("llama with virtual tokens", llama, texts, prompt),
        new Case("gpt2 with LoRA", gpt2, texts, LORA),
        new Case("gpt2 with virtual tokens", gpt2, texts, prompt),
        new Case("llama with LoRA, packed rows", llama, Texts.packed(), LORA),
        new Case("llama with LoRA, preferences", llama, Texts.preferred(), LORA),
        new Case("encoder with LoRA", encoder, Texts.labelled(), LORA),
        new Case("perceptron with LoRA", Models.mlp(8), Texts.measured(), LORA),
        new Case("llama with three adapters", llama, three(), LORA.adapters("x", "y", "z")));
  }

  private static TrainingData three() {
    return AdapterData.of(List.of(Texts.continued(1), Texts.continued(2), Texts.continued(3)));
  }

  private record Course(TrainingResult result, List<Double> losses, List<Double> norms) {
    static Course of(Training training) {
      List<Double> losses = new ArrayList<>();
      List<Double> norms = new ArrayList<>();
      TrainingResult result =
          training
              .listener(
                  event -> {
                    if (event instanceof TrainingEvent.StepCompleted step) {
                      losses.add(step.loss());
                      norms.add(step.gradientNorm());
                    }
                  })
              .run();
      return new Course(result, losses, norms);
    }
  }

  private static float[] predict(Backend backend, ModelArtifact model, Map<String, Tensor> inputs) {
    Graph graph = model.graph().forPrediction();
    try (CompiledModel compiled = backend.compile(graph, model.weights(), Precision.F32)) {
      return compiled.predict(inputs).get(Signature.OUTPUT).floats();
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void courseAndModelAreThoseOfLibtorch(Case tuned) {
    Course expected = Course.of(tuned.training(djl));
    Course found = Course.of(tuned.training(dl4j));

    assertThat(found.losses()).hasSizeGreaterThan(5).hasSameSizeAs(expected.losses());
    for (int i = 0; i < found.losses().size(); i++) {
      assertThat(found.losses().get(i))
          .as("loss %s", i)
          .isCloseTo(expected.losses().get(i), within(1e-3));
      double norm = expected.norms().get(i);
      assertThat(found.norms().get(i))
          .as("gradient norm %s", i)
          .isCloseTo(norm, within(1e-3 * Math.max(1, norm)));
    }
    ModelArtifact model = found.result().model();
    assertThat(model.weights()).isNotEqualTo(before(tuned).weights());
    assertThat(predict(dl4j, model, tuned.inputs()))
        .containsExactly(predict(djl, expected.result().model(), tuned.inputs()), within(1e-3f));
    assertThat(predict(dl4j, model, tuned.inputs()))
        .containsExactly(predict(djl, model, tuned.inputs()), within(1e-4f));
  }

  /** The base's parameters, of which tuning must not change a bit. */
  private static ModelArtifact before(Case tuned) {
    return tuned.training(dl4j).learningRate(1e-30).epochs(1).run().model();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theBaseKeepsEveryBitAndTheSeedDecides(Case tuned) {
    Graph base = tuned.model().graph(tuned.data().encoding().signature());
    ModelArtifact one = tuned.training(dl4j).run().model();
    ModelArtifact same = tuned.training(dl4j).run().model();

    assertThat(same.weights()).isEqualTo(one.weights());
    assertThat(base.parameters()).isNotEmpty();
    assertThat(one.graph().trainedParameterCount())
        .isPositive()
        .isLessThan(one.graph().parameterCount());
    ModelArtifact start = before(tuned);
    one.graph().parameters().stream()
        .filter(parameter -> !parameter.learned())
        .forEach(
            parameter ->
                assertThat(one.weights().tensor(parameter.name()))
                    .as(parameter.name())
                    .isEqualTo(start.weights().tensor(parameter.name())));
  }

  @Test
  void aMergedModelSaysWhatTheAdapterSays() {
    List<Case> lora = cases().filter(c -> c.tuning() instanceof Lora l && l.equals(LORA)).toList();
    assertThat(lora).hasSize(6);
    for (Case tuned : lora) {
      ModelArtifact model = tuned.training(dl4j).run().model();
      ModelArtifact merged = Adapters.merge(model);

      assertThat(merged.graph().parameterCount()).isLessThan(model.graph().parameterCount());
      Adapters.requireAgreement(model, merged, dl4j, tuned.inputs(), 1e-5);
      assertThat(predict(dl4j, merged, tuned.inputs()))
          .containsExactly(predict(djl, merged, tuned.inputs()), within(1e-4f));
    }
  }

  @Test
  void lowRankDropoutDependsOnTheSeedAlone() {
    Case dropping = new Case("", Network.published("llama"), Texts.continued(1), LORA.dropout(0.2));

    ModelArtifact one = dropping.training(dl4j).run().model();

    assertThat(dropping.training(dl4j).run().model().weights()).isEqualTo(one.weights());
    ModelArtifact without =
        new Case("", dropping.model(), dropping.data(), LORA).training(dl4j).run().model();
    assertThat(without.weights()).isNotEqualTo(one.weights());
  }
}
