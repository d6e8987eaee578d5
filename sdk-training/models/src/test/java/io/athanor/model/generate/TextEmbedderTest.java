package io.athanor.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TextEmbedderTest {
  private static final int SIZE = 3;

  private static ModelArtifact model(boolean masked) {
    GraphBuilder g = Graph.builder("mean-of-words");
    Value tokens = g.input(LanguageEncoding.TOKENS, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", tokens, ByteTokenizer.SIZE, SIZE, 1);
    Value[] mask =
        masked
            ? new Value[] {g.input("mask", TensorType.f32(Dim.BATCH, Dim.SEQUENCE))}
            : new Value[0];
    Graph graph = g.output("output", g.sequencePool(SequencePool.Kind.MEAN, x, mask)).build();
    LanguageEncoding encoding =
        new LanguageEncoding(
            new Task.Embedding("text", 0.05),
            new ByteTokenizer(),
            64,
            List.of(),
            Optional.empty(),
            Map.of());
    return new ModelArtifact(
        "mean-of-words",
        Map.of(),
        graph,
        Weights.initialize(graph, 1),
        encoding,
        Map.of(),
        TinyArtifacts.spam().provenance());
  }

  /** The mean of the words' vectors, divided by its length. */
  private static double[] expected(ModelArtifact model, String text) {
    float[] table = model.weights().tensor("words.weight").floats();
    double[] sum = new double[SIZE];
    for (int id : new ByteTokenizer().encode(text, 64)) {
      for (int i = 0; i < SIZE; i++) {
        sum[i] += table[id * SIZE + i];
      }
    }
    double length = Math.sqrt(sum[0] * sum[0] + sum[1] * sum[1] + sum[2] * sum[2]);
    return new double[] {sum[0] / length, sum[1] / length, sum[2] / length};
  }

  @Test
  void vectorsHaveLengthOneAndTheOrderOfTheTexts() {
    List<String> texts = List.of("abc", "a", "xyz", "longer text", "b");
    for (boolean masked : new boolean[] {false, true}) {
      ModelArtifact model = model(masked);
      try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
          TextEmbedder embedder = TextEmbedder.of(model, backend)) {
        List<float[]> vectors = embedder.embed(texts);
        assertThat(vectors).hasSize(5);
        for (int i = 0; i < texts.size(); i++) {
          double[] wanted = expected(model, texts.get(i));
          for (int k = 0; k < SIZE; k++) {
            assertThat((double) vectors.get(i)[k]).isCloseTo(wanted[k], within(1e-5));
          }
        }
        assertThat(embedder.embed("abc")).containsExactly(vectors.get(0), within(1e-6f));
      }
    }
  }

  @Test
  void modelWithAnotherTaskIsRefused() {
    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults())) {
      assertThatThrownBy(() -> TextEmbedder.of(TinyArtifacts.spam(), backend))
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("gives no vectors");
    }
  }
}
