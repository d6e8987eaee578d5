package io.athanor.tck.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Merged;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** Merged models beside what they were, on the reference. */
class MergedTest {
  private static final int IN = 6;
  private static final int OUT = 5;

  /** A graph with an input and whatever of it is the output. */
  private static Graph graph(BiFunction<GraphBuilder, Value, Value> body) {
    GraphBuilder g = Graph.builder("small");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(IN)));
    return g.output("output", body.apply(g, x)).build();
  }

  /** {@code factor (x A^T) B^T}, with a rank of 2. */
  private static Value path(GraphBuilder g, String name, Value x, double factor) {
    Value down = g.linearWithoutBias(name + ".down", x, 2);
    return g.linearWithoutBias(name + ".up", g.scale(down, factor), OUT);
  }

  private static Weights weights(Graph graph) {
    SplittableRandom random = new SplittableRandom(3);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : graph.parameters()) {
      long[] shape = parameter.shape().dims().stream().mapToLong(dim -> dim.offset()).toArray();
      float[] values = new float[Math.toIntExact(parameter.shape().elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (random.nextDouble() - 0.5);
      }
      tensors.put(parameter.name(), Tensor.ofFloats(values, shape));
    }
    return Weights.of(tensors);
  }

  private static float[] predict(Graph graph, Weights weights) {
    float[] x = new float[3 * IN];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) Math.sin(i);
    }
    try (ReferenceBackend backend = new ReferenceBackend();
        CompiledModel model = backend.compile(graph, weights, Precision.F32)) {
      return model.predict(Map.of("x", Tensor.ofFloats(x, 3, IN))).get("output").floats();
    }
  }

  private static List<String> nodes(Graph graph) {
    return graph.nodes().stream().map(node -> node.name().replaceAll("_\\d+$", "")).toList();
  }

  private static void assertMerged(Graph graph, String... left) {
    Weights weights = weights(graph);
    Merged merged = Merged.of(graph, weights);
    assertThat(nodes(merged.graph())).containsExactly(left);
    assertThat(merged.graph().parameters())
        .extracting(Parameter::name)
        .containsExactlyElementsOf(merged.weights().tensors().keySet());
    float[] expected = predict(graph, weights);
    float[] actual = predict(merged.graph(), merged.weights());
    assertThat(expected).hasSize(3 * OUT);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).isCloseTo(expected[i], within(1e-6f));
    }
  }

  private static void assertLeftAlone(Graph graph) {
    Weights weights = weights(graph);
    Merged merged = Merged.of(graph, weights);
    assertThat(merged.graph()).isEqualTo(graph);
    assertThat(merged.weights()).isSameAs(weights);
  }

  @Test
  void pathBesideALayerGoesIntoItsMatrix() {
    Graph graph = graph((g, x) -> g.add(g.linear("layer", x, OUT), path(g, "path", x, 0.5)));
    assertMerged(graph, "layer");
    assertThat(Merged.of(graph, weights(graph)).graph().parameters())
        .extracting(Parameter::name)
        .containsExactly("layer.weight", "layer.bias");
  }

  @Test
  void termsMayStandTheOtherWayRoundWithoutScaleOrBias() {
    assertMerged(
        graph(
            (g, x) -> {
              Value down = g.linearWithoutBias("down", x, 2);
              Value up = g.linearWithoutBias("up", down, OUT);
              return g.add(up, g.linearWithoutBias("layer", x, OUT));
            }),
        "layer");
  }

  @Test
  void everyScaleOfAPathCounts() {
    assertMerged(
        graph((g, x) -> g.add(g.linear("layer", x, OUT), g.scale(path(g, "path", x, -3), 0.25))),
        "layer");
  }

  @Test
  void dropoutBeforeAPathIsLeftOut() {
    Graph graph =
        graph((g, x) -> g.add(g.linear("layer", x, OUT), path(g, "p", g.dropout(x, 0.5), 2)));
    assertMerged(graph, "layer");
  }

  @Test
  void layersAfterEachOtherAreMergedEach() {
    assertMerged(
        graph(
            (g, x) -> {
              Value first = g.add(g.linear("first", x, OUT), path(g, "p1", x, 2));
              Value hidden = g.relu(first);
              return g.add(g.linear("second", hidden, OUT), path(g, "p2", hidden, 0.5));
            }),
        "first",
        "relu",
        "second");
  }

  @Test
  void matricesOfAPathMayBeSharedAndThoseOfALayerNot() {
    assertMerged(
        graph(
            (g, x) -> {
              Value one = g.add(g.linear("one", x, OUT), path(g, "path", x, 2));
              String a = "path.down.weight";
              String b = "path.up.weight";
              Value down = g.apply("down", new LayerOp.Linear(a, null), x);
              Value up = g.apply("up", new LayerOp.Linear(b, null), down);
              return g.multiply(one, g.add(g.linear("two", x, OUT), up));
            }),
        "one",
        "two",
        "multiply");
    assertLeftAlone(
        graph(
            (g, x) -> {
              Value one = g.add(g.linear("one", x, OUT), path(g, "path", x, 2));
              return g.multiply(
                  one, g.apply("again", new LayerOp.Linear("one.weight", "one.bias"), x));
            }));
  }

  @Test
  void whatIsNoLowRankPathStays() {
    List<BiFunction<GraphBuilder, Value, Value>> bodies =
        List.of(
            (g, x) -> g.add(g.linear("layer", x, OUT), g.linearWithoutBias("other", x, OUT)),
            (g, x) ->
                g.add(
                    g.linear("layer", x, OUT),
                    g.linear("up", g.linearWithoutBias("down", x, 2), OUT)),
            (g, x) ->
                g.add(
                    g.linear("layer", x, OUT),
                    g.linearWithoutBias("up", g.relu(g.linearWithoutBias("down", x, 2)), OUT)),
            (g, x) -> g.add(g.linear("layer", x, OUT), path(g, "path", g.relu(x), 2)),
            (g, x) -> {
              Value layer = g.linear("layer", x, OUT);
              return g.multiply(layer, g.add(layer, path(g, "path", x, 2)));
            },
            (g, x) -> {
              Value path = path(g, "path", x, 2);
              return g.multiply(path, g.add(g.linear("layer", x, OUT), path));
            },
            (g, x) -> {
              Value layer = g.linear("layer", x, OUT);
              return g.add(layer, layer);
            },
            (g, x) -> g.add(g.linear("layer", x, IN), x));
    for (BiFunction<GraphBuilder, Value, Value> body : bodies) {
      assertLeftAlone(graph(body));
    }
    assertThat(bodies).hasSize(8);
  }

  @Test
  void matricesInOtherFormatsStay() {
    Graph graph = graph((g, x) -> g.add(g.linear("layer", x, OUT), path(g, "path", x, 2)));
    Map<String, Tensor> tensors = new LinkedHashMap<>(weights(graph).tensors());
    tensors.put("path.up.weight", Tensor.of(DType.F16, Tensor.allocate(DType.F16, 10), OUT, 2));
    Weights half = Weights.of(tensors);
    assertThat(Merged.of(graph, half)).isEqualTo(new Merged(graph, half));
  }

  @Test
  void weightsThatDoNotFitAreRefused() {
    Graph graph = graph((g, x) -> g.add(g.linear("layer", x, OUT), path(g, "path", x, 2)));
    Map<String, Tensor> tensors = new LinkedHashMap<>(weights(graph).tensors());
    tensors.remove("path.up.weight");
    assertThatThrownBy(() -> Merged.of(graph, Weights.of(tensors)))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("path.up.weight");
  }
}
