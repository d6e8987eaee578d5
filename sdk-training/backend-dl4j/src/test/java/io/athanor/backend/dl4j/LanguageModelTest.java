package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.tck.fixture.TinyLanguageModels;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LanguageModelTest {
  private static List<Graph> graphs() {
    List<Graph> graphs = new ArrayList<>(TinyLanguageModels.all());
    graphs.add(TinyLanguageModels.adapters());
    return graphs;
  }

  @ParameterizedTest
  @MethodSource("graphs")
  void everyLanguageModelGivesTheReferencesLogits(Graph graph) {
    Weights weights = Weights.initialize(graph, 3);
    Map<String, Tensor> inputs = new HashMap<>();
    long[] ids = new SplittableRandom(1).longs(14, 0, TinyLanguageModels.VOCABULARY).toArray();
    inputs.put("tokens", Tensor.ofLongs(ids, 2, 7));
    inputs.put("adapter", Tensor.ofLongs(new long[] {2, 0}, 2));
    try (Backend backend = new Dl4jBackendProvider().open(BackendOptions.defaults());
        Backend reference = new ReferenceBackendProvider().open(BackendOptions.defaults());
        CompiledModel actual = backend.compile(graph, weights, Precision.F32);
        CompiledModel expected = reference.compile(graph, weights, Precision.F32)) {
      float[] wanted = Weights.of(expected.predict(inputs)).tensor("output").floats();
      float[] got = Weights.of(actual.predict(inputs)).tensor("output").floats();
      assertThat(got).hasSize(14 * TinyLanguageModels.VOCABULARY).hasSameSizeAs(wanted);
      for (int i = 0; i < wanted.length; i++) {
        assertThat(got[i]).as("logit %s", i).isCloseTo(wanted[i], within(1e-4f));
      }
    }
  }
}
