package io.athanor.api.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WeightsTest {
  private static Graph graph(Object... namesAndInitializers) {
    GraphBuilder g = Graph.builder("g");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(300)));
    for (int i = 0; i < namesAndInitializers.length; i += 2) {
      String name = (String) namesAndInitializers[i];
      String weight = g.parameter(name, (Initializer) namesAndInitializers[i + 1], 300, 300);
      x = g.apply("layer " + i, new LayerOp.Linear(weight, null), x);
    }
    return g.output("y", x).build();
  }

  private static double variance(float[] values) {
    double sum = 0;
    double squares = 0;
    for (float value : values) {
      sum += value;
      squares += (double) value * value;
    }
    double mean = sum / values.length;
    return squares / values.length - mean * mean;
  }

  @Test
  void theSameSeedGivesTheSameBits() {
    Graph graph = graph("a", Initializer.he(300), "b", Initializer.xavier(300, 300));

    assertThat(Weights.initialize(graph, 1)).isEqualTo(Weights.initialize(graph, 1));
    assertThat(Weights.initialize(graph, 1).digest())
        .isNotEqualTo(Weights.initialize(graph, 2).digest());
  }

  @Test
  void otherParametersChangeNothing() {
    Initializer he = Initializer.he(300);
    Weights two = Weights.initialize(graph("a", he, "b", he), 5);
    Weights three = Weights.initialize(graph("new", he, "b", he, "a", he), 5);

    assertThat(three.tensor("a")).isEqualTo(two.tensor("a"));
    assertThat(three.tensor("b")).isEqualTo(two.tensor("b"));
    assertThat(two.tensor("a")).isNotEqualTo(two.tensor("b"));
  }

  @Test
  void firstValuesHaveTheVarianceOfTheirRule() {
    Weights weights =
        Weights.initialize(
            graph(
                "he",
                Initializer.he(300),
                "xavier",
                Initializer.xavier(300, 300),
                "normal",
                new Initializer.Normal(0.5),
                "ones",
                Initializer.ONES),
            3);

    assertThat(variance(weights.tensor("he").floats())).isCloseTo(2.0 / 300, within(1e-4));
    assertThat(variance(weights.tensor("xavier").floats())).isCloseTo(2.0 / 600, within(5e-5));
    assertThat(variance(weights.tensor("normal").floats())).isCloseTo(0.25, within(4e-3));
    assertThat(weights.tensor("ones").floats()).containsOnly(1);
    double bound = Math.sqrt(6.0 / 600);
    for (float value : weights.tensor("xavier").floats()) {
      assertThat(Math.abs(value)).isLessThanOrEqualTo((float) bound);
    }
  }

  @Test
  void firstValuesStayWhatTheyWereInEarlierReleases() {
    Weights weights = Weights.initialize(EveryOp.graph(), 42);

    assertThat(weights.digest().hex())
        .isEqualTo("4b37f42c0e9b4e2d6625a7364e67336622839e62a93554180799352b9c7a6b46");
  }

  @Test
  void weightsThatDoNotFitNameTheParameter() {
    Graph graph = graph("a", Initializer.ONES);

    assertThatThrownBy(() -> Weights.of(Map.of()).requireFit(graph))
        .isInstanceOf(GraphException.class)
        .hasMessage("At 'a': the weights hold no tensor of this name; they hold []");
    assertThatThrownBy(() -> Weights.of(Map.of("a", Tensor.scalar(1))).requireFit(graph))
        .hasMessage("At 'a': expected floating-point weights of shape [300, 300], got F32[]");
    assertThatThrownBy(
            () ->
                Weights.of(Map.of("a", Tensor.ofLongs(new long[90_000], 300, 300)))
                    .requireFit(graph))
        .hasMessageContaining("got I64[300, 300]");
    Weights.initialize(graph, 1).requireFit(graph);
  }

  @Test
  void theDigestKnowsNamesShapesAndBitsButNoOrder() {
    Tensor a = Tensor.ofFloats(new float[] {1, 2}, 2);
    Tensor b = Tensor.ofFloats(new float[] {1, 2}, 1, 2);
    Map<String, Tensor> forth = new LinkedHashMap<>(Map.of());
    forth.put("a", a);
    forth.put("b", b);
    Map<String, Tensor> back = new LinkedHashMap<>();
    back.put("b", b);
    back.put("a", a);

    assertThat(Weights.of(forth).digest()).isEqualTo(Weights.of(back).digest());
    assertThat(Weights.of(Map.of("a", a)).digest())
        .isNotEqualTo(Weights.of(Map.of("b", a)).digest())
        .isNotEqualTo(Weights.of(Map.of("a", b)).digest());
  }
}
