package io.athanor.training.compress;

import static io.athanor.api.graph.Dim.BATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.ShapeOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.TrainingResult;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.fixture.TinyData;
import io.athanor.training.fixture.TinyModel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PruningTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final TinyData data = TinyData.circle(200, 50, 5);
  private final ModelArtifact model = trained(16);

  private ModelArtifact trained(int hidden) {
    return training(Training.of(new TinyModel(hidden, 0), data)).run().model();
  }

  private Training training(Training of) {
    return of.backend(backend).batchSize(20).epochs(6).learningRate(0.05).seed(7);
  }

  private ModelArtifact model(Graph graph, Weights weights) {
    return new ModelArtifact(
        "own",
        Map.of("intermediate_size", 6),
        graph,
        weights,
        model.encoding(),
        Map.of(),
        model.provenance());
  }

  /** A graph whose matrix {@code reader} ignores every second of what it reads. */
  private ModelArtifact halfIdle(Graph graph, String reader) {
    Weights weights = Weights.initialize(graph, 3);
    Tensor matrix = weights.tensor(reader);
    float[] values = matrix.floats();
    int inner = values.length / (int) matrix.size(0) / (int) matrix.size(1);
    for (int i = 0; i < values.length; i++) {
      values[i] = i / inner % matrix.size(1) % 2 == 0 ? 0 : values[i];
    }
    return model(
        graph, weights.with(Weights.of(Map.of(reader, Tensor.ofFloats(values, matrix.shape())))));
  }

  private void assertSamePredictions(ModelArtifact before, ModelArtifact after) {
    SplittableRandom random = new SplittableRandom(5);
    Map<String, Tensor> inputs = new HashMap<>();
    before
        .graph()
        .forPrediction()
        .inputs()
        .forEach(
            input -> {
              long[] shape = input.type().shape().resolve(Map.of("batch", 3L));
              float[] values = new float[(int) Tensor.elements(shape)];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextDouble(-1, 1);
              }
              inputs.put(input.name(), Tensor.ofFloats(values, shape));
            });
    try (CompiledModel was = backend.compile(before.graph(), before.weights(), Precision.F32);
        CompiledModel is = backend.compile(after.graph(), after.weights(), Precision.F32)) {
      float[] expected = Weights.of(was.predict(inputs)).tensor("output").floats();
      float[] actual = Weights.of(is.predict(inputs)).tensor("output").floats();
      assertThat(expected).isNotEqualTo(new float[expected.length]);
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) actual[i]).isCloseTo(expected[i], offset(1e-6));
      }
    }
  }

  private static Value x(GraphBuilder g) {
    return g.input("x", TensorType.f32(BATCH, Dim.of(5)));
  }

  @Test
  void neuronsThatNobodyHeedsGoFirst() {
    GraphBuilder g = Graph.builder("chain");
    Value hidden = g.relu(g.linear("first", x(g), 6));
    Value deeper = g.gelu(g.linear("second", hidden, 4));
    Graph graph = g.output("output", g.linear("third", deeper, 2)).build();
    ModelArtifact idle = halfIdle(graph, "second.weight");

    ModelArtifact pruned = Pruning.neurons(0.5).keep("second").of(idle);

    assertThat(pruned.weights().tensor("first.weight").shape()).containsExactly(3, 5);
    assertThat(pruned.weights().tensor("first.bias").shape()).containsExactly(3);
    assertThat(pruned.weights().tensor("second.weight").shape()).containsExactly(4, 3);
    assertThat(pruned.config()).containsEntry("intermediate_size", 3);
    assertSamePredictions(idle, pruned);
  }

  @Test
  void gatesLoseTheirNeuronsTogether() {
    GraphBuilder g = Graph.builder("gated");
    Value x = x(g);
    Value gate = g.activation(Activation.Kind.SILU, g.linear("gate", x, 6));
    Value gated = g.multiply(gate, g.linear("up", x, 6));
    Graph graph = g.output("output", g.linear("down", gated, 5)).build();
    ModelArtifact idle = halfIdle(graph, "down.weight");

    ModelArtifact pruned = Pruning.neurons(0.5).of(idle);

    assertThat(pruned.weights().tensor("gate.weight").shape()).containsExactly(3, 5);
    assertThat(pruned.weights().tensor("up.weight").shape()).containsExactly(3, 5);
    assertSamePredictions(idle, pruned);
  }

  @Test
  void filtersGoWithTheirNormalisation() {
    GraphBuilder g = Graph.builder("images");
    Value x = g.input("x", TensorType.f32(BATCH, Dim.of(1), Dim.of(8), Dim.of(8)));
    Value first = g.relu(g.batchNorm("norm", g.conv2d("first", x, 4, 3, 1, 1)));
    Value second = g.conv2d("second", g.pool2d(ShapeOp.Pool2d.Kind.MAX, first, 2), 3, 3, 1, 1);
    Graph graph = g.output("output", second).build();
    ModelArtifact idle = halfIdle(graph, "second.weight");

    ModelArtifact pruned = Pruning.neurons(0.5).of(idle);

    assertThat(pruned.weights().tensor("first.weight").shape()).containsExactly(2, 1, 3, 3);
    assertThat(pruned.weights().tensor("norm.running_mean").shape()).containsExactly(2);
    assertThat(pruned.weights().tensor("second.weight").shape()).containsExactly(3, 2, 3, 3);
    assertSamePredictions(idle, pruned);
  }

  @Test
  void prunedModelsLearnAgain() {
    ModelArtifact pruned = Pruning.neurons(0.75).of(model);

    TrainingResult result = training(Training.of(pruned, data)).run();

    assertThat(pruned.graph().parameterCount()).isLessThan(model.graph().parameterCount() / 3);
    assertThat(result.model().graph()).isEqualTo(pruned.graph());
    assertThat(result.model().provenance().base()).contains(pruned.weightsDigest());
    assertThat(result.model().metrics().get("validation.accuracy")).isGreaterThan(0.8);
    assertThat(result.model().config()).containsKey("compression");
  }

  @Test
  void oneNeuronAlwaysStays() {
    ModelArtifact pruned = Pruning.neurons(0.999).of(model);

    assertThat(pruned.weights().tensor("hidden.weight").shape()).containsExactly(1, 2);
  }

  @Test
  void whatCannotBePrunedIsRefused() {
    for (double share : new double[] {0, 1, -0.1, Double.NaN}) {
      assertThatThrownBy(() -> Pruning.neurons(share))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("share must be in (0, 1), got " + share);
    }
    assertThatThrownBy(() -> Pruning.neurons(0.01).of(model))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("less than one neuron")
        .hasMessageContaining("16");
    assertThatThrownBy(() -> Pruning.neurons(0.5).keep("hidden").of(model))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("no hidden layer");
    assertThatThrownBy(() -> Pruning.neurons(0.5).keep("nowhere").of(model))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("'nowhere'");
    ModelArtifact rounded = Quantization.int8().of(trained(2048));
    assertThatThrownBy(() -> Pruning.neurons(0.5).of(rounded))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("8 bits");
  }

  @Test
  void neuronsThatSomebodyElseReadsStay() {
    GraphBuilder g = Graph.builder("residual");
    Value hidden = g.relu(g.linear("first", x(g), 6));
    Value sum = g.add(hidden, g.linear("second", hidden, 6));
    Graph graph = g.output("output", g.linear("third", sum, 2)).build();

    assertThat(HiddenLayer.in(graph)).isEqualTo(List.of());
  }
}
