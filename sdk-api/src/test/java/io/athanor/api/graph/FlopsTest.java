package io.athanor.api.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class FlopsTest {
  private static final Map<String, Long> SIZES = Map.of("batch", 2L, "sequence", 5L);

  private static Graph mlp() {
    GraphBuilder g = Graph.builder("mlp");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(10)));
    Value y = g.linear("b", g.relu(g.linear("a", x, 20)), 3);
    Value t = g.target("t", TensorType.i64(Dim.BATCH));
    return g.output("y", y).loss(g.crossEntropy(y, t)).build();
  }

  @Test
  void aPerceptronCountsItsProducts() {
    Flops flops = Flops.of(mlp(), SIZES);

    assertThat(flops.forward())
        .containsEntry("a", 2L * 2 * 20 * 10 + 2 * 20)
        .containsEntry("relu_1", 2L * 20)
        .containsEntry("b", 2L * 2 * 3 * 20 + 2 * 3)
        .containsEntry("cross_entropy_3", 5L * 2 * 3);
    assertThat(Flops.of(mlp().forPrediction(), SIZES).forwardTotal()).isEqualTo(840 + 40 + 246);
  }

  @Test
  void theBackwardPassSkipsGradientsNobodyNeeds() {
    Flops flops = Flops.of(mlp(), SIZES);
    Flops headOnly = Flops.of(mlp().freeze(name -> name.startsWith("a.")), SIZES);
    Flops bodyOnly = Flops.of(mlp().freeze(name -> name.startsWith("b.")), SIZES);

    assertThat(flops.backward())
        .containsEntry("a", 840L)
        .containsEntry("relu_1", 40L)
        .containsEntry("b", 2 * 246L)
        .containsEntry("cross_entropy_3", 30L);
    assertThat(headOnly.backward())
        .containsEntry("a", 0L)
        .containsEntry("relu_1", 0L)
        .containsEntry("b", 246L);
    assertThat(bodyOnly.backward()).containsEntry("a", 840L).containsEntry("b", 246L);
    assertThat(flops.trainingTotal()).isEqualTo(1156 + 840 + 40 + 492 + 30);
  }

  @Test
  void aConvolutionCountsItsWindow() {
    GraphBuilder g = Graph.builder("cnn");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(3), Dim.of(8), Dim.of(8)));
    Value y = g.pool2d(ShapeOp.Pool2d.Kind.MAX, g.conv2d("conv", x, 16, 3, 1, 1), 2);
    Flops flops = Flops.of(g.output("y", y).build(), SIZES);

    assertThat(flops.forward())
        .containsEntry("conv", 2L * (2 * 16 * 8 * 8) * (3 * 3 * 3) + 2 * 16 * 8 * 8)
        .containsEntry("pool2d_1", 4L * (2 * 16 * 4 * 4));
  }

  @Test
  void attentionCountsBothProductsAndTheSoftmax() {
    GraphBuilder g = Graph.builder("attention");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
    Value q = g.linear("q", x, 8);
    Value y = g.attention("a", 4, true, 0, q, q, q);
    Flops flops = Flops.of(g.output("y", y).build(), SIZES);

    long scores = 2 * 4 * 5 * 5;
    assertThat(flops.forward()).containsEntry("a", 2 * scores * 2 + 2 * scores * 2 + 5 * scores);
    assertThat(flops.backward()).containsEntry("a", 2 * (13 * scores));
  }

  @Test
  void aRecurrentLayerCountsItsGates() {
    GraphBuilder g = Graph.builder("lstm");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(3)));
    Flops flops = Flops.of(g.output("y", g.lstm("lstm", x, 4)).build(), SIZES);

    long perPosition = 2 * (16 * 3) + 16 + 2 * (16 * 4) + 16 + 9 * 4;
    assertThat(flops.forwardTotal()).isEqualTo(2 * 5 * perPosition);
  }

  @Test
  void everyOperationIsCounted() {
    Graph graph = EveryOp.graph();

    assertThat(Flops.of(graph, SIZES).forward()).hasSize(graph.nodes().size());
    assertThat(Flops.of(graph, SIZES).trainingTotal())
        .isGreaterThan(Flops.of(graph, SIZES).forwardTotal());
  }

  @Test
  void aSymbolWithoutAValueIsNamed() {
    assertThatThrownBy(() -> Flops.of(mlp(), Map.of("rows", 2L)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("sizes must hold 'batch', got {rows=2}");
  }
}
