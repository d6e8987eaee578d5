package io.athanor.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PredictorTest {
  private static final Row ROW = Row.of("x", 3);

  /** A classifier into three labels whose graph has an output of another width. */
  private static ModelArtifact model(long width) {
    GraphBuilder g = Graph.builder("net");
    Value x = g.input(FeatureEncoding.VECTOR, TensorType.f32(Dim.BATCH, Dim.of(1)));
    Graph graph = g.output(Signature.OUTPUT, g.linear("l", x, width)).build();
    FeatureEncoding encoding =
        new FeatureEncoding(
            List.of(new Encoder.Standardize("x", 1, 2)),
            new TargetEncoder.Label("y", List.of("a", "b", "c")),
            Optional.empty());
    Provenance provenance =
        new Provenance(Instant.EPOCH, 0, "{}", List.of(), Optional.empty(), Map.of());
    Weights weights = Weights.initialize(graph, 1);
    return new ModelArtifact("net", Map.of(), graph, weights, encoding, Map.of(), provenance);
  }

  @Test
  void givesTheLabelsByProbability() {
    Tensor logits =
        Tensor.ofFloats(new float[] {0, (float) Math.log(6), (float) Math.log(3)}, 1, 3);

    try (Predictor predictor = Predictor.of(model(3), new Answering(logits))) {
      Prediction.Label label = (Prediction.Label) predictor.predict(ROW);

      assertThat(label.label()).isEqualTo("b");
      assertThat(label.confidence()).isCloseTo(0.6, offset(1e-6));
      assertThat(label.alternatives())
          .extracting(Prediction.Alternative::label)
          .containsExactly("c", "a");
    }
  }

  @Test
  void refusesAnOutputThatDoesNotFitTheTask() {
    Tensor logits = Tensor.ofFloats(new float[] {1, 2}, 1, 2);

    try (Predictor predictor = Predictor.of(model(2), new Answering(logits))) {
      assertThatThrownBy(() -> predictor.predict(ROW))
          .isInstanceOf(GraphException.class)
          .hasMessage("At 'output': expected shape [1, 3], got F32[1, 2]");
    }
  }

  /** Gives the same output whatever it is asked. */
  private record Answering(Tensor output) implements Backend, CompiledModel {
    @Override
    public String name() {
      return "answering";
    }

    @Override
    public Map<String, String> identity() {
      return Map.of();
    }

    @Override
    public Set<Capability> capabilities() {
      return Set.of(Capability.PREDICT);
    }

    @Override
    public Support check(Graph graph, TrainingMode mode) {
      return new Support.Unsupported("predicts only", "Do not train");
    }

    @Override
    public Support check(Graph graph, Precision precision) {
      return new Support.Supported();
    }

    @Override
    public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
      throw new UnsupportedOperationException("predicts only");
    }

    @Override
    public CompiledModel compile(Graph graph, Weights weights, Precision precision) {
      return this;
    }

    @Override
    public Map<String, Tensor> predict(Map<String, Tensor> inputs) {
      return Map.of(Signature.OUTPUT, output);
    }

    @Override
    public void close() {}
  }
}
