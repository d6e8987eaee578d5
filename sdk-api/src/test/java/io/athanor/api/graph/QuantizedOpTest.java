package io.athanor.api.graph;

import static io.athanor.api.graph.Dim.BATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.MemoryEstimate;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class QuantizedOpTest {
  private static GraphBuilder builder(long out, long in) {
    GraphBuilder g = Graph.builder("small");
    Parameter.Role frozen = Parameter.Role.FROZEN;
    g.declare(new Parameter("w", Shape.of(out, in), Initializer.ZEROS, frozen, DType.I8));
    g.declare(new Parameter("s", Shape.of(out), Initializer.ONES, frozen));
    return g;
  }

  private static Value linear(GraphBuilder g) {
    Value x = g.input("x", TensorType.f32(BATCH, Dim.of(2)));
    return g.apply("layer", new QuantizedOp.QuantizedLinear("w", "s", null), x);
  }

  private static Graph graph() {
    GraphBuilder g = builder(3, 2);
    return g.output("y", linear(g)).build();
  }

  @Test
  void comesBackFromJsonAsItWas() {
    Graph graph = graph();

    assertThat(GraphJson.read("test", GraphJson.write(graph).toString())).isEqualTo(graph);
    assertThat(graph.type("layer")).isEqualTo(TensorType.f32(BATCH, Dim.of(3)));
  }

  @Test
  void wideningGivesTheNumbersThatTheStepsStandFor() {
    ByteBuffer steps = ByteBuffer.wrap(new byte[] {127, -127, 1, 0, -2, 64});
    Weights weights =
        Weights.of(
            Map.of(
                "w", Tensor.of(DType.I8, steps, 3, 2),
                "s", Tensor.ofFloats(new float[] {2, 0.5f, 0.25f}, 3)));

    Widened wide = Widened.of(graph(), weights);

    assertThat(wide.weights().tensor("w").floats()).containsExactly(254, -254, 0.5f, 0, -0.5f, 16);
    assertThat(wide.weights().tensors()).containsOnlyKeys("w");
    assertThat(wide.graph().nodes())
        .extracting(Node::op)
        .isEqualTo(List.of(new LayerOp.Linear("w", null)));
    assertThat(Widened.graph(wide.graph())).isSameAs(wide.graph());
  }

  @Test
  void matricesAreWholeNumbersAndNothingElseIs() {
    GraphBuilder g = builder(3, 2);
    Value x = g.input("x", TensorType.f32(BATCH, Dim.of(2)));
    g.apply("quantized", new QuantizedOp.QuantizedLinear("w", "s", null), x);
    Value y = g.apply("plain", new LayerOp.Linear("w", null), x);
    assertThatThrownBy(() -> g.output("y", y).build())
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("'plain'")
        .hasMessageContaining("of type F32, got I8");
    assertThatThrownBy(
            () ->
                new Parameter(
                    "w", Shape.of(3, 2), Initializer.ZEROS, Parameter.Role.TRAINED, DType.I8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("frozen matrix");
    assertThatThrownBy(() -> graph().parameter("s").withType(DType.I64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("F32 or I8, got I64");
  }

  @Test
  void everyRowNeedsAScale() {
    GraphBuilder g = Graph.builder("few");
    Parameter.Role frozen = Parameter.Role.FROZEN;
    g.declare(new Parameter("w", Shape.of(3, 2), Initializer.ZEROS, frozen, DType.I8));
    g.declare(new Parameter("s", Shape.of(2), Initializer.ONES, frozen));
    assertThatThrownBy(() -> linear(g))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("'s'")
        .hasMessageContaining("[3]");
  }

  @Test
  void takesAByteForEachNumberAndIsNotTrained() {
    Graph graph = graph();
    MemoryEstimate memory = MemoryEstimate.prediction(graph, Map.of("batch", 1L), Precision.F32);

    assertThat(memory.parameters()).isEqualTo(3 * 2 + 3 * 4);
    assertThat(Support.withoutQuantized(graph))
        .isInstanceOfSatisfying(
            Support.Unsupported.class, no -> assertThat(no.reason()).contains("'layer'"));
    assertThat(Support.withoutQuantized(Widened.graph(graph))).isEqualTo(new Support.Supported());
  }
}
