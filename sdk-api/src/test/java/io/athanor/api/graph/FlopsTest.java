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
  void adaptersCountTheirTwoProducts() {
    GraphBuilder g = Graph.builder("adapters");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
    Value adapter = g.input("adapter", TensorType.i64(Dim.BATCH));
    String a = g.parameter("a", Initializer.ZEROS, 2, 3, 8);
    String b = g.parameter("b", Initializer.ZEROS, 2, 4, 3);
    String c = g.parameter("c", Initializer.ZEROS, 2, 3, 4);
    Value first = g.apply("first", new LayerOp.AdapterLinear(a, b), x, adapter);
    Value second = g.apply("second", new LayerOp.AdapterLinear(c, b), first, adapter);
    Flops flops = Flops.of(g.output("y", second).build(), SIZES);

    long positions = 2 * 5;
    long one = positions * 2 * (8 * 3 + 3 * 4);
    long other = positions * 2 * (4 * 3 + 3 * 4);
    assertThat(flops.forward()).containsEntry("first", one).containsEntry("second", other);
    assertThat(flops.backward()).containsEntry("first", one).containsEntry("second", 2 * other);
  }

  @Test
  void whatLanguageModelsAddIsCounted() {
    GraphBuilder g = Graph.builder("language");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
    Value rows = g.input("rows", TensorType.f32(Dim.BATCH, Dim.of(8)));
    Value next = g.target("next", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value reference = g.target("reference", TensorType.f32(Dim.BATCH));
    String weight = g.parameter("w", Initializer.ONES, 2);
    Value normed = g.apply("heads", new LayerOp.RmsNorm(weight, 1e-5), x);
    String tokens = g.parameter("t", Initializer.ZEROS, 3, 8);
    Value longer = g.apply("prompt", new LayerOp.VirtualTokens(tokens), normed);
    Value logits = g.apply("skip", new SequenceOp.Skip(3), longer);
    Value unit = g.apply("unit", new ElementOp.Normalize(), rows);
    Value scores = g.apply("scores", new LossOp.SequenceLogProbability(), logits, next);
    Value preference = g.apply("preference", new LossOp.Preference(1), scores, reference);
    Value pairs = g.apply("pairs", new LossOp.Contrastive(1), unit);
    Graph graph = g.output("y", unit).loss(g.add(preference, pairs)).build();
    Flops flops = Flops.of(graph, Map.of("batch", 6L, "sequence", 5L));

    assertThat(flops.forward())
        .containsEntry("heads", 4L * 6 * 5 * 8)
        .containsEntry("prompt", 0L)
        .containsEntry("skip", 0L)
        .containsEntry("unit", 3L * 6 * 8)
        .containsEntry("scores", 5L * 6 * 5 * 8)
        .containsEntry("preference", 5L * 6)
        .containsEntry("pairs", 3L * 3 * (2 * 8 + 5));
    assertThat(flops.backward()).containsEntry("heads", 4L * 6 * 5 * 8).containsEntry("unit", 0L);
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
