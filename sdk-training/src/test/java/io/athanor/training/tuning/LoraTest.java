package io.athanor.training.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Merged;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.FullTuning;
import io.athanor.api.training.Lora;
import io.athanor.api.training.TrainingResult;
import io.athanor.api.training.Tuning;
import io.athanor.tck.fixture.TinyGraphs;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.fixture.TinyLanguageModel;
import io.athanor.training.fixture.TinyText;
import io.athanor.training.plan.TuningYaml;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class LoraTest {
  private static final Backend BACKEND =
      new ReferenceBackendProvider().open(BackendOptions.defaults());
  private static final TinyText BY_ONE = TinyText.counting(24, 1, 3);
  private static final TinyText BY_TWO = TinyText.counting(24, 2, 4);
  private static final Lora LORA = Lora.rank(4).alpha(8).targets("q_proj", "v_proj", "up_proj");

  private static ModelArtifact base;
  private static TrainingResult tuned;

  private static Training training(Training of) {
    return of.backend(BACKEND).batchSize(8).epochs(6).learningRate(0.02).seed(5);
  }

  @BeforeAll
  static void pretrainAndTune() {
    base = training(Training.of(new TinyLanguageModel(true), BY_ONE)).run().model();
    tuned = training(Training.of(base, BY_TWO)).tuning(LORA.dropout(0.1)).run();
  }

  private static Map<String, Tensor> someInputs() {
    try (Batches.Stream stream = BY_TWO.train().open(BatchOrder.sequential(5))) {
      return stream.next().tensors();
    }
  }

  @Test
  void learnsWhileTheBaseKeepsEveryBit() {
    ModelArtifact model = tuned.model();
    double before = tuned.history().evaluations().get(0).metrics().get("validation.loss");

    assertThat(model.metrics().get("validation.loss")).isLessThan(0.9 * before);
    base.weights()
        .tensors()
        .forEach((name, tensor) -> assertThat(model.weights().tensor(name)).isEqualTo(tensor));
    assertThat(model.weights().tensors()).hasSize(base.weights().tensors().size() + 12);
    assertThat(model.graph().trainedParameterCount())
        .isEqualTo(2 * (2 * (4 * 8 + 8 * 4) + 4 * 8 + 16 * 4));
    assertThat(model.weights().tensor("layers.1.mlp.up_proj.lora_B.weight").shape())
        .containsExactly(16, 4);
    assertThat(model.provenance().plan()).contains("\"kind\":\"lora\",\"rank\":4,\"alpha\":8.0");
    assertThat(model.provenance().base()).contains(base.weightsDigest());
  }

  @Test
  void beginsSayingWhatTheBaseSays() {
    TunedModel fresh = TunedModel.of(LORA, base.graph(), base.weights(), Optional.empty(), 1);

    Adapters.requireAgreement(
        base, with(base, LORA, fresh.graph(), fresh.weights()), BACKEND, someInputs(), 0);
    float bound = (float) (1 / Math.sqrt(8));
    for (float value : fresh.weights().tensor("layers.0.self_attn.q_proj.lora_A.weight").floats()) {
      assertThat(value).isBetween(-bound, bound);
    }
  }

  private static ModelArtifact with(ModelArtifact of, Tuning tuning, Graph graph, Weights weights) {
    return new ModelArtifact(
        of.architecture(),
        Adapters.config(of.config(), tuning),
        graph,
        weights,
        of.encoding(),
        of.metrics(),
        of.provenance());
  }

  @Test
  void mergedWeightsSayWhatTheAdapterSays() {
    ModelArtifact merged = Adapters.merge(tuned.model());

    assertThat(merged.graph()).isEqualTo(base.graph());
    assertThat(merged.config()).isEqualTo(base.config());
    assertThat(merged.weights()).isNotEqualTo(base.weights());
    Adapters.requireAgreement(tuned.model(), merged, BACKEND, someInputs(), 1e-6);
    assertThatThrownBy(() -> Adapters.requireAgreement(base, merged, BACKEND, someInputs(), 1e-3))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("'output' differs by ");
    assertThatThrownBy(() -> Adapters.merge(merged))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("it has no adapter");
  }

  @Test
  void aPredictorComputesWithMergedWeights() {
    Merged predicted = Merged.of(tuned.model().graph(), tuned.model().weights());

    ModelArtifact merged = Adapters.merge(tuned.model());
    assertThat(predicted.weights()).isEqualTo(merged.weights());
    assertThat(predicted.graph().nodes())
        .containsExactlyElementsOf(merged.graph().forPrediction().nodes());
  }

  @Test
  void whatWasMergedCanBeTakenOutAgain() {
    Adapter adapter = Adapters.extract(tuned.model());

    ModelArtifact unmerged = Adapters.unmerge(Adapters.merge(tuned.model()), adapter);

    assertThat(unmerged.graph()).isEqualTo(tuned.model().graph());
    unmerged
        .weights()
        .tensors()
        .forEach(
            (name, tensor) -> {
              float[] expected = tuned.model().weights().tensor(name).floats();
              float[] actual = tensor.floats();
              for (int i = 0; i < expected.length; i++) {
                assertThat(actual[i]).as(name).isCloseTo(expected[i], within(1e-6f));
              }
            });
  }

  @Test
  void anExtractedAdapterGoesBackOntoItsBase() {
    Adapter adapter = Adapters.extract(tuned.model());

    assertThat(adapter.tuning()).isEqualTo(LORA.dropout(0.1));
    assertThat(adapter.tensors()).hasSize(12);
    ModelArtifact again = Adapters.attach(base, adapter);
    assertThat(again.graph()).isEqualTo(tuned.model().graph());
    assertThat(again.weights()).isEqualTo(tuned.model().weights());
  }

  @Test
  void anAdapterForAnotherBaseIsRefused() {
    Adapter adapter = Adapters.extract(tuned.model());
    ModelArtifact other =
        training(Training.of(new TinyLanguageModel(true), BY_TWO)).epochs(1).run().model();

    assertThatThrownBy(() -> Adapters.attach(other, adapter))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("it was made with weights of digest")
        .hasMessageContaining("attach it to the model it was made with");
    Map<String, Tensor> tensors = new LinkedHashMap<>(adapter.tensors());
    tensors.put("layers.0.self_attn.q_proj.lora_B.weight", Tensor.ofFloats(new float[36], 9, 4));
    Tensor a = tensors.get("layers.0.self_attn.q_proj.lora_A.weight");
    tensors.put("layers.7.self_attn.q_proj.lora_A.weight", a);
    tensors.put("layers.7.self_attn.q_proj.lora_B.weight", Tensor.ofFloats(new float[32], 8, 4));
    assertThatThrownBy(() -> Adapters.attach(base, new Adapter(LORA, tensors, Optional.empty())))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("expected 'layers.0.self_attn.q_proj.lora_B.weight' [8, 4]")
        .hasMessageContaining("the model has no linear layer 'layers.7.self_attn.q_proj'");
  }

  @Test
  void allLinearLayersAreThoseBesideHeadAndOutput() {
    Graph adapted =
        TunedModel.of(Lora.rank(2), base.graph(), base.weights(), Optional.empty(), 1).graph();

    List<String> trained = new ArrayList<>();
    for (Parameter parameter : adapted.parameters()) {
      if (parameter.trained()) {
        trained.add(parameter.name());
      }
    }
    assertThat(trained)
        .hasSize(2 * 2 * 6)
        .contains("layers.1.self_attn.o_proj.lora_A.weight")
        .noneMatch(name -> name.startsWith("embed_tokens") || name.startsWith("lm_head"));
  }

  @Test
  void theHeadOfAClassifierIsTrainedAsAWhole() {
    Graph graph = TinyGraphs.textEncoder(0);
    Weights weights = Weights.initialize(graph, 1);

    Graph adapted =
        TunedModel.of(
                Lora.rank(1).targets("query").alsoTrain("head"),
                graph,
                weights,
                Optional.empty(),
                1)
            .graph();

    assertThat(adapted.parameters().stream().filter(Parameter::trained).map(Parameter::name))
        .containsExactlyInAnyOrder(
            "query.lora_A.weight", "query.lora_B.weight", "head.weight", "head.bias");
  }

  @Test
  void namesThatFitNothingAreListedWithThoseThatWould() {
    assertThatThrownBy(
            () ->
                training(Training.of(base, BY_TWO))
                    .tuning(Lora.rank(2).targets("query", "v_proj", "oproj").alsoTrain("dense"))
                    .start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "no linear layer fits 'query'; there are q_proj, k_proj, v_proj, o_proj, up_proj,"
                + " down_proj")
        .hasMessageContaining("no linear layer fits 'oproj' (did you mean 'o_proj'?); there are")
        .hasMessageContaining(
            "no layer to train as a whole fits 'dense'; there are embed_tokens, input_layernorm,"
                + " q_proj, k_proj, v_proj, o_proj, up_proj, down_proj, norm");
    assertThatThrownBy(
            () ->
                training(Training.of(base, BY_TWO))
                    .tuning(Lora.rank(2).alsoTrain("layer_norm", "norms"))
                    .start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("no layer to train as a whole fits 'norms' (did you mean 'norm'?)");
    assertThatThrownBy(
            () ->
                TunedModel.of(
                    Lora.rank(2).targets("embed_tokens"),
                    base.graph(),
                    base.weights(),
                    Optional.empty(),
                    1))
        .hasMessageContaining("the weight of 'embed_tokens' is also a table of vectors");
    assertThatThrownBy(() -> training(Training.of(tuned.model(), BY_TWO)).tuning(LORA).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("it already has adapters. Merge them first");
  }

  @Test
  void anAdaptedModelIsTrainedFurtherWithItsBaseFrozen() {
    ModelArtifact further = training(Training.of(tuned.model(), BY_TWO)).epochs(1).run().model();

    assertThat(Adapters.extract(further).base()).isEqualTo(Adapters.extract(tuned.model()).base());
    assertThat(further.weights()).isNotEqualTo(tuned.model().weights());
  }

  @Test
  void parametersAreFrozenByPattern() {
    ModelArtifact model =
        training(Training.of(base, BY_TWO))
            .epochs(1)
            .tuning(FullTuning.freezing("embed_tokens.*", "layers.0.*"))
            .run()
            .model();

    assertThat(model.weights().tensors())
        .hasSize(base.weights().tensors().size())
        .allSatisfy(
            (name, tensor) ->
                assertThat(tensor.equals(base.weights().tensor(name)))
                    .as(name)
                    .isEqualTo(name.startsWith("embed_tokens.") || name.startsWith("layers.0.")));
    assertThatThrownBy(
            () ->
                training(Training.of(base, BY_TWO))
                    .tuning(FullTuning.freezing("encoder.*", "layer.1.*"))
                    .start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("no parameter fits 'encoder.*'; there are embed_tokens.weight, ")
        .hasMessageContaining(" and 8 more")
        .hasMessageContaining("no parameter fits 'layer.1.*' (did you mean 'layers.1.*'?)");
  }

  @Test
  void settingsAreCheckedAtOnce() {
    assertThatThrownBy(() -> Lora.rank(0)).hasMessage("rank must be at least 1, got 0");
    assertThatThrownBy(() -> Lora.rank(1).alpha(0)).hasMessage("alpha must be above 0, got 0.0");
    assertThatThrownBy(() -> Lora.rank(1).dropout(1))
        .hasMessage("dropout must be in [0, 1), got 1.0");
    assertThatThrownBy(() -> Lora.rank(1).targets("a", "a"))
        .hasMessage("targets must not repeat, got [a, a]");
    assertThat(Lora.rank(16).alpha(32).scale(16)).isEqualTo(2);
    assertThat(Lora.rank(16).alpha(32).rankStabilized().scale(16)).isEqualTo(8);
  }

  @Test
  void settingsGoThroughAModelsConfig() {
    Lora unusual =
        Lora.rank(3).alpha(1.5).dropout(0.25).targets("a", "b").rankStabilized().alsoTrain("c");

    assertThat(TuningYaml.read("config", TuningYaml.settings(unusual))).isEqualTo(unusual);
    assertThat(TuningYaml.read("config", TuningYaml.settings(unusual.adapters("x", "y"))))
        .isEqualTo(unusual.adapters("x", "y"));
  }
}
