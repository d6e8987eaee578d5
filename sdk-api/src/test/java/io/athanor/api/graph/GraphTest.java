package io.athanor.api.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GraphTest {
  private final GraphBuilder g = Graph.builder("test");
  private final Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(6)));
  private final Value t = g.target("t", TensorType.f32(Dim.BATCH, Dim.of(2)));

  private Graph trainable() {
    Value y = g.linear("y", g.batchNorm("norm", x), 2);
    Value weighted = g.linear("only loss", y, 2);
    return g.output("out", y).loss(g.meanSquaredError(weighted, t)).build();
  }

  @Test
  void aGraphNeedsAnOutput() {
    g.relu(x);

    assertThatThrownBy(g::build).hasMessage("At 'test': a graph needs at least one output");
  }

  @Test
  void anOutputCannotDependOnATarget() {
    Value y = g.linear("y", x, 2);
    g.output("sum", g.relu(g.add(y, t)));

    assertThatThrownBy(g::build)
        .isInstanceOf(GraphException.class)
        .hasMessage(
            "At 'sum': an output cannot depend on a target, which is unknown when predicting");
  }

  @Test
  void aLossIsOneNumber() {
    Value y = g.linear("y", x, 2);
    g.output("out", y).loss(y);

    assertThatThrownBy(g::build).hasMessage("At 'y': expected the loss to be a node of shape []");
  }

  @Test
  void anUnusedParameterIsAnError() {
    g.parameter("forgotten", Initializer.ONES, 3);
    g.output("out", x);

    assertThatThrownBy(g::build).hasMessage("At 'forgotten': no operation uses this parameter");
  }

  @Test
  void runningStatisticsAreStatistics() {
    String p = g.parameter("p", Initializer.ONES, 6);
    g.output("out", g.apply("norm", new LayerOp.BatchNorm(p, p, p, p, 1e-5, 0.1), x));

    assertThatThrownBy(g::build)
        .hasMessage("At 'norm': expected parameter 'p' to be a STATISTIC, got TRAINED");
  }

  @Test
  void nodesThatClaimAnotherTypeOrDangleAreRefused() {
    Input input = new Input("x", x.type(), Input.Role.FEATURE);
    Node lies = new Node("r", new ElementOp.Softmax(), List.of("x"), TensorType.f32(Dim.of(1)));
    Node dangles = new Node("r", new ElementOp.Softmax(), List.of("y"), x.type());

    assertThatThrownBy(() -> graph(input, lies))
        .hasMessage("At 'r': expected result F32[batch, 6] of its inputs, got F32[1]");
    assertThatThrownBy(() -> graph(input, dangles))
        .hasMessage("At 'r': there is no earlier value 'y'");
  }

  private static Graph graph(Input input, Node node) {
    return new Graph(
        "g", List.of(input), List.of(), List.of(node), Map.of("o", "r"), Optional.empty());
  }

  @Test
  void predictionLeavesOutWhatOnlyTheLossNeeds() {
    Graph graph = trainable();
    Graph prediction = graph.forPrediction();

    assertThat(graph.inputs()).extracting(Input::name).containsExactly("x", "t");
    assertThat(prediction.inputs()).extracting(Input::name).containsExactly("x");
    assertThat(prediction.nodes()).extracting(Node::name).containsExactly("norm", "y");
    assertThat(prediction.parameters())
        .extracting(Parameter::name)
        .containsExactly(
            "norm.weight",
            "norm.bias",
            "norm.running_mean",
            "norm.running_var",
            "y.weight",
            "y.bias");
    assertThat(prediction.loss()).isEmpty();
    assertThat(prediction.outputs()).isEqualTo(graph.outputs());
    assertThat(prediction.forPrediction()).isEqualTo(prediction);
  }

  @Test
  void freezingTouchesOnlyTrainedParametersThatMatch() {
    Graph frozen = trainable().freeze(name -> name.startsWith("norm"));

    assertThat(frozen.parameter("norm.weight").role()).isEqualTo(Parameter.Role.FROZEN);
    assertThat(frozen.parameter("norm.running_mean").role()).isEqualTo(Parameter.Role.STATISTIC);
    assertThat(frozen.parameter("y.weight").role()).isEqualTo(Parameter.Role.TRAINED);
    assertThat(frozen.parameterCount()).isEqualTo(24 + 14 + 6);
    assertThat(frozen.trainedParameterCount()).isEqualTo(14 + 6);
  }

  @Test
  void onlyTrainedMatricesDecay() {
    Graph graph = trainable();

    assertThat(graph.parameter("y.weight").decays()).isTrue();
    assertThat(graph.parameter("y.bias").decays()).isFalse();
    assertThat(graph.freeze(n -> true).parameter("y.weight").decays()).isFalse();
  }

  @Test
  void whatIsNotThereIsNamed() {
    Graph graph = trainable();

    assertThatThrownBy(() -> graph.parameter("z"))
        .hasMessage("At 'z': there is no parameter of this name in test");
    assertThatThrownBy(() -> graph.type("z"))
        .hasMessage("At 'z': there is no value of this name in test");
    assertThat(graph.hasInput("t")).isTrue();
    assertThat(graph.hasInput("y")).isFalse();
  }

  @Test
  void symbolsGetTheirSizesFromABatch() {
    Graph graph = trainable();
    Tensor rows = Tensor.ofFloats(new float[18], 3, 6);
    Tensor targets = Tensor.ofFloats(new float[4], 2, 2);

    assertThat(graph.forPrediction().sizes(Map.of("x", rows)))
        .containsExactly(Map.entry("batch", 3L));
    assertThatThrownBy(() -> graph.sizes(Map.of("x", rows, "t", targets)))
        .hasMessage("At 't': expected 'batch' of 3 as in 'x', got 2");
    assertThatThrownBy(() -> graph.sizes(Map.of("x", rows)))
        .hasMessage("At 't': expected a tensor F32[batch, 2] for this input, got only [x]");
    assertThatThrownBy(() -> graph.sizes(Map.of("x", targets, "t", targets)))
        .hasMessageStartingWith("At 'x': expected F32[batch, 6], got F32[2, 2]");
    assertThatThrownBy(() -> graph.sizes(Map.of("x", Tensor.ofFloats(new float[0], 0, 6))))
        .hasMessage("At 'x': expected 'batch' of at least 1, got 0 in F32[0, 6]");
  }

  @Test
  void equalPartsMakeEqualGraphs() {
    assertThat(EveryOp.graph()).isEqualTo(EveryOp.graph()).hasSameHashCodeAs(EveryOp.graph());
    assertThat(EveryOp.graph()).isNotEqualTo(EveryOp.graph().forPrediction());
  }

  @Test
  void aTiedParameterIsDeclaredOnce() {
    String shared = g.parameter("shared", Initializer.ONES, 6, 6);
    Value y = g.apply("a", new LayerOp.Linear(shared, null), x);
    Graph graph = g.output("out", g.apply("b", new LayerOp.Linear(shared, null), y)).build();

    assertThat(graph.parameterCount()).isEqualTo(36);
  }
}
