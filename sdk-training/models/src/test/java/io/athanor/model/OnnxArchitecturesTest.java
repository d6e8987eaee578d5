package io.athanor.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.Tuning;
import io.athanor.model.arch.TextEncoder;
import io.athanor.model.format.onnx.OnnxModel;
import io.athanor.model.format.onnx.OnnxPrecision;
import io.athanor.model.format.onnx.RuntimeModel;
import io.athanor.tck.fixture.TinyLanguageModels;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.tuning.TunedModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Models written as ONNX give in ONNX Runtime what the reference gives, whatever the sizes. */
class OnnxArchitecturesTest {
  private static final double SAME = 1e-4;
  private static final int IDS = 9;
  private static final Feature TEXT = new Feature.Tokens("body", IDS, 12);
  private static final Task TASK = new Task.Classification("label", List.of("a", "b", "c"));

  @TempDir Path folder;

  private final Backend reference = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @AfterEach
  void closeReference() {
    reference.close();
  }

  /**
   * @param ids are below this
   */
  private record Case(String name, Graph graph, Weights weights, int ids) {
    static Case of(String name, Architecture model, Feature... features) {
      Graph graph = model.graph(new Signature(List.of(features), TASK));
      return new Case(name, graph, trained(graph, Weights.initialize(graph, 1)), IDS);
    }

    static Case of(Graph graph) {
      Weights weights = trained(graph, Weights.initialize(graph, 1));
      return new Case(graph.name(), graph, weights, TinyLanguageModels.VOCABULARY);
    }

    static Case published(String name, Task task) {
      ParityCase parity = ParityCase.read(name, task);
      return new Case(
          name + " for " + task.getClass().getSimpleName(),
          parity.graph(),
          parity.weights(),
          ParityCase.VOCABULARY);
    }

    Case tuned(Tuning tuning) {
      TunedModel tuned = TunedModel.of(tuning, graph, weights, Optional.empty(), 3);
      String how = tuning.getClass().getSimpleName();
      return new Case(
          name + ", " + how, tuned.graph(), trained(tuned.graph(), tuned.weights()), ids);
    }

    /** With other numbers in all that training would have changed. */
    private static Weights trained(Graph graph, Weights weights) {
      SplittableRandom random = new SplittableRandom(5);
      Map<String, Tensor> changed = new LinkedHashMap<>();
      for (Parameter parameter : graph.parameters()) {
        if (parameter.learned()) {
          float[] values = weights.tensor(parameter.name()).floats();
          for (int i = 0; i < values.length; i++) {
            values[i] += (float) (0.1 + 0.2 * random.nextDouble());
          }
          changed.put(
              parameter.name(), Tensor.ofFloats(values, parameter.shape().resolve(Map.of())));
        }
      }
      return weights.with(Weights.of(changed));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Case> cases() {
    TextEncoder encoder = Models.textClassifier().layers(2).size(8).heads(2).feedForward(16);
    Feature.Vector numbers = new Feature.Vector("features", 5);
    Feature.Image picture = new Feature.Image("picture", 2, 8, 8);
    List<Case> cases =
        new ArrayList<>(
            List.of(
                Case.of("mlp", Models.mlp(7, 6), numbers),
                Case.of("mlp with a picture", Models.mlp(7), numbers, picture),
                Case.of("cnn", Models.cnn(4, 6), picture),
                Case.of("cnn, pooled", Models.cnn(4, 6).globalPooling(), picture),
                Case.of("bag of words", Models.bagOfWords().embeddingSize(6).hidden(8), TEXT),
                Case.of("lstm", Models.lstm(5, 4).embeddingSize(3), TEXT),
                Case.of("lstm, last", Models.lstm(5).pooling(SequencePool.Kind.LAST), TEXT),
                Case.of("gru", Models.gru(5, 4).embeddingSize(3), TEXT),
                Case.of("gru, mean", Models.gru(5).pooling(SequencePool.Kind.MEAN), TEXT),
                Case.of("encoder", encoder, TEXT),
                Case.of("encoder, post-norm", encoder.norm(TextEncoder.Norm.POST), TEXT),
                Case.of("encoder, rotary", encoder.positions(TextEncoder.Positions.ROTARY), TEXT)));
    TinyLanguageModels.all().forEach(graph -> cases.add(Case.of(graph)));
    cases.add(Case.of(TinyLanguageModels.adapters()));
    for (String name : ParityCase.GENERATION) {
      cases.add(Case.published(name, new Task.Generation("text")));
    }
    for (String name : ParityCase.CLASSIFICATION) {
      cases.add(Case.published(name, TASK));
    }
    cases.add(Case.published("llama", new Task.PreferenceRanking("answer", 0.1)));
    for (String name : ParityCase.EMBEDDING) {
      cases.add(Case.published(name, new Task.Embedding("pair", 0.05)));
    }
    for (String name : List.of("llama", "gpt2", "gemma2")) {
      Case published = Case.published(name, new Task.Generation("text"));
      cases.add(published.tuned(Lora.rank(2)));
      cases.add(published.tuned(PromptTuning.tokens(3)));
    }
    Case classifier = Case.published("bert-classification", TASK);
    cases.add(classifier.tuned(Lora.rank(2)));
    cases.add(classifier.tuned(PromptTuning.tokens(2)));
    cases.add(
        Case.published("llama", new Task.Generation("text"))
            .tuned(Lora.rank(2).adapters("mail", "chat", "code")));
    return cases;
  }

  @Test
  void noArchitectureIsForgotten() {
    assertThat(cases()).hasSizeGreaterThanOrEqualTo(44);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void oneFilePredictsBatchesOfEverySize(Case c) {
    Path file = folder.resolve("model.onnx");
    OnnxModel.write(file, c.graph, c.weights, OnnxPrecision.F32);
    Graph graph = c.graph.forPrediction();
    try (CompiledModel expected = reference.compile(graph, c.weights, Precision.F32);
        RuntimeModel actual = RuntimeModel.open(file)) {
      for (long[] sizes : new long[][] {{1, 3}, {3, 7}, {2, 1}}) {
        Map<String, Tensor> tensors = tensors(graph, c.ids, sizes[0], sizes[1]);
        RuntimeModel.assertAgree(expected.predict(tensors), actual.predict(tensors), SAME);
      }
    }
  }

  private static Map<String, Tensor> tensors(Graph graph, int ids, long batch, long sequence) {
    SplittableRandom random = new SplittableRandom(batch);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Input input : graph.inputs()) {
      long[] shape = input.type().shape().resolve(Map.of("batch", batch, "sequence", sequence));
      int count = Math.toIntExact(Tensor.elements(shape));
      if (input.type().dtype() == DType.I64) {
        int below = input.name().equals("adapter") ? TinyLanguageModels.ADAPTERS : ids;
        tensors.put(input.name(), Tensor.ofLongs(random.longs(count, 0, below).toArray(), shape));
      } else if (input.name().endsWith(".mask")) {
        tensors.put(input.name(), Tensor.ofFloats(padded(batch, sequence), shape));
      } else {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] = (float) random.nextGaussian();
        }
        tensors.put(input.name(), Tensor.ofFloats(values, shape));
      }
    }
    return tensors;
  }

  /** Each row has one position less than the one before, but at least one. */
  private static float[] padded(long batch, long sequence) {
    float[] mask = new float[Math.toIntExact(batch * sequence)];
    for (int row = 0; row < batch; row++) {
      int from = Math.toIntExact(row * sequence);
      Arrays.fill(mask, from, from + (int) Math.max(1, sequence - row), 1);
    }
    return mask;
  }
}
