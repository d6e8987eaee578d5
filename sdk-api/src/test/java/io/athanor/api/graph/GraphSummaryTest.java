package io.athanor.api.graph;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GraphSummaryTest {
  @Test
  void theTableIsAsWideAsItsContent() {
    GraphBuilder g = Graph.builder("mlp");
    Value x = g.input("features", TensorType.f32(Dim.BATCH, Dim.of(1000)));
    Value h = g.relu(g.batchNorm("norm", g.linear("layers.0", x, 300)));
    Value y = g.linear("classifier", h, 3);
    Value t = g.target("target", TensorType.i64(Dim.BATCH));
    Graph graph =
        g.output("output", y).loss(g.crossEntropy(y, t)).build().freeze("layers.0.bias"::equals);

    assertThat(GraphSummary.of(graph).toString())
        .isEqualTo(
            """
            Model: mlp
            Layer (type)                    Output shape   Parameters  Connected to
            =============================================================================
            features (Input)                [batch, 1000]           0
            target (Target)                 [batch]                 0
            layers.0 (Linear)               [batch, 300]      300,300  features
            norm (BatchNorm)                [batch, 300]        1,200  layers.0
            relu_2 (Activation)             [batch, 300]            0  norm
            classifier (Linear)             [batch, 3]            903  relu_2
            cross_entropy_4 (CrossEntropy)  []                      0  classifier, target
            =============================================================================
            Total parameters:     302,403 (1.15 MiB)
            Trained parameters:   301,503 (1.15 MiB)
            Frozen parameters:    300 (0.00 MiB)
            Statistics:           600 (0.00 MiB)
            """);
  }

  @Test
  void aSharedParameterCountsOnce() {
    GraphBuilder g = Graph.builder("tied");
    Value ids = g.input("ids", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", ids, 10, 4, 1);
    Value y = g.apply("head", new LayerOp.Linear("words.weight", null), x);
    GraphSummary summary = GraphSummary.of(g.output("y", y).build());

    assertThat(summary.rows())
        .extracting(GraphSummary.Row::parameters)
        .containsExactly(0L, 40L, 0L);
    assertThat(summary.total()).isEqualTo(40);
  }

  @Test
  void everyOperationHasARow() {
    Graph graph = EveryOp.graph();

    assertThat(GraphSummary.of(graph).rows()).hasSize(graph.inputs().size() + graph.nodes().size());
    assertThat(GraphSummary.of(graph).total()).isEqualTo(graph.parameterCount());
  }
}
