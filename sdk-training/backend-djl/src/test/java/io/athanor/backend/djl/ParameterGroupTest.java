package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import java.util.List;
import org.junit.jupiter.api.Test;

class ParameterGroupTest {
  @Test
  void decayingParametersAreApartFromTheOthers() {
    assertThat(ParameterGroup.of(Nets.mlp(4, 8, 2, 0), Optimizer.adamW(0.1)))
        .containsExactly(
            new ParameterGroup(List.of("first.weight", "second.weight", "last.weight"), 0.1),
            new ParameterGroup(List.of("first.bias", "second.bias", "last.bias"), 0));
  }

  @Test
  void blockOfMemoryStaysBelowWhatABufferHolds() {
    GraphBuilder b = Graph.builder("wide");
    Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(15_000)));
    Value y = b.target("y", TensorType.f32(Dim.BATCH, Dim.of(15_000)));
    Value h = b.linear("second", b.linear("first", x, 15_000), 15_000);
    Graph graph = b.output("h", h).loss(b.meanSquaredError(h, y)).build();

    assertThat(ParameterGroup.of(graph, Optimizer.adam()))
        .extracting(ParameterGroup::names)
        .containsExactly(
            List.of("first.weight", "first.bias"), List.of("second.weight", "second.bias"));
  }
}
