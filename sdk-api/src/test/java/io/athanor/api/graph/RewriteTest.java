package io.athanor.api.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RewriteTest {
  private final GraphBuilder g = Graph.builder("test");
  private final Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(6)));
  private final Value t = g.target("t", TensorType.f32(Dim.BATCH, Dim.of(2)));
  private final Value hidden = g.relu(g.linear("hidden", x, 4));
  private final Value y = g.linear("y", hidden, 2);
  private final Graph graph = g.output("out", y).loss(g.meanSquaredError(y, t)).build();

  @Test
  void copiesWhatIsNotOverridden() {
    Graph copy = new Rewrite(graph) {}.rewritten();
    assertThat(copy).isEqualTo(graph).isNotSameAs(graph);
    assertThat(copy.loss()).isPresent();
  }

  @Test
  void laterOperationsReadWhatStandsForAnEarlierOne() {
    Graph without =
        new Rewrite(graph) {
          @Override
          protected Value node(Node node) {
            return node.op() instanceof ElementOp.Activation
                ? value(node.inputs().get(0))
                : same(node);
          }
        }.rewritten();
    assertThat(without.nodes()).hasSize(graph.nodes().size() - 1);
    assertThat(without.nodes())
        .filteredOn(node -> node.name().equals("y"))
        .singleElement()
        .satisfies(node -> assertThat(node.inputs()).containsExactly("hidden"));
  }

  @Test
  void parametersMayChangeOrGo() {
    Graph frozen =
        new Rewrite(graph) {
          @Override
          protected Optional<Parameter> parameter(Parameter parameter) {
            return parameter.name().endsWith("bias")
                ? Optional.empty()
                : Optional.of(parameter.withRole(Parameter.Role.FROZEN));
          }

          @Override
          protected Value node(Node node) {
            return node.op() instanceof LayerOp.Linear linear
                ? target.apply(
                    node.name(),
                    new LayerOp.Linear(linear.weight(), null),
                    value(node.inputs().get(0)))
                : same(node);
          }
        }.rewritten();
    assertThat(frozen.parameters())
        .extracting(Parameter::name)
        .isEqualTo(List.of("hidden.weight", "y.weight"));
    assertThat(frozen.trainedParameterCount()).isZero();
  }
}
