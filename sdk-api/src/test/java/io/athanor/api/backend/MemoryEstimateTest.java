package io.athanor.api.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.graph.Dim;
import io.athanor.api.graph.EveryOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MemoryEstimateTest {
  private static final Map<String, Long> SIZES = Map.of("batch", 4L, "sequence", 6L);

  private static TrainingMode mode(Optimizer optimizer, Precision precision) {
    return new TrainingMode(optimizer, precision, 1);
  }

  private static Graph mlp() {
    GraphBuilder g = Graph.builder("mlp");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(10)));
    Value y = g.linear("b", g.relu(g.linear("a", x, 20)), 3);
    Value t = g.target("t", TensorType.i64(Dim.BATCH));
    return g.output("y", y).loss(g.crossEntropy(y, t)).build();
  }

  @Test
  void aPerceptronKeepsItsInputsAndRectifiedValues() {
    MemoryEstimate estimate =
        MemoryEstimate.training(mlp(), SIZES, mode(Optimizer.adam(), Precision.F32));

    long parameters = 20 * 10 + 20 + 3 * 20 + 3;
    long x = 4 * 10 * 4;
    long targets = 4 * 8;
    long rectified = 4 * 20 * 4;
    long logSoftmax = 4 * 3 * 4;
    assertThat(estimate.parameters()).isEqualTo(4 * parameters);
    assertThat(estimate.gradients()).isEqualTo(4 * parameters);
    assertThat(estimate.optimizer()).isEqualTo(8 * parameters);
    assertThat(estimate.activations()).isEqualTo(x + targets + rectified + logSoftmax);
    long slopes = 2 * rectified - logSoftmax;
    assertThat(estimate.working()).isEqualTo(slopes);
    long alive = x + targets + rectified + logSoftmax + slopes;
    assertThat(estimate.fragmentation()).isEqualTo(alive / 4);
    assertThat(estimate.total()).isEqualTo(16 * parameters + alive + alive / 4);
  }

  @Test
  void eachOptimizerKeepsItsMoments() {
    long parameters = 283;

    assertThat(optimizerBytes(Optimizer.sgd(0))).isZero();
    assertThat(optimizerBytes(Optimizer.sgd(0.9))).isEqualTo(4 * parameters);
    assertThat(optimizerBytes(Optimizer.adam())).isEqualTo(8 * parameters);
    assertThat(optimizerBytes(Optimizer.adamW(0.01))).isEqualTo(8 * parameters);
  }

  private static long optimizerBytes(Optimizer optimizer) {
    return MemoryEstimate.training(mlp(), SIZES, mode(optimizer, Precision.F32)).optimizer();
  }

  @Test
  void frozenWeightsCostNoGradients() {
    Graph frozen = mlp().freeze(name -> name.startsWith("a."));
    MemoryEstimate estimate =
        MemoryEstimate.training(frozen, SIZES, mode(Optimizer.adam(), Precision.F32));

    assertThat(estimate.parameters()).isEqualTo(4 * 283);
    assertThat(estimate.gradients()).isEqualTo(4 * 63);
    assertThat(estimate.optimizer()).isEqualTo(8 * 63);
  }

  @Test
  void sixteenBitsLeaveActivationsAndAddACopyOfTheWeights() {
    MemoryEstimate full =
        MemoryEstimate.training(mlp(), SIZES, mode(Optimizer.adam(), Precision.F32));
    MemoryEstimate half =
        MemoryEstimate.training(mlp(), SIZES, mode(Optimizer.adam(), Precision.BF16));

    assertThat(half.parameters()).isEqualTo(6 * 283);
    assertThat(half.activations()).isEqualTo(full.activations());
    assertThat(half.gradients()).isEqualTo(full.gradients());
  }

  @Test
  void predictionFreesWhatNobodyReadsAgain() {
    MemoryEstimate estimate = MemoryEstimate.prediction(mlp(), SIZES, Precision.F32);

    long x = 4 * 10 * 4;
    long hidden = 4 * 20 * 4;
    assertThat(estimate.activations()).isEqualTo(x + 2 * hidden);
    assertThat(estimate.gradients()).isZero();
    assertThat(estimate.total()).isEqualTo(4 * 283 + x + 2 * hidden + (x + 2 * hidden) / 4);
  }

  @Test
  void attentionKeepsItsWeightsOnlyWithDropout() {
    assertThat(attention(0.1) - attention(0))
        .isEqualTo(2 * (4 * 2 * 6 * 6) * 4 - (4 * 2 * 6) * 4 - 4 * 6 * 8 * 4);
  }

  private static long attention(double dropout) {
    GraphBuilder g = Graph.builder("attention");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
    Value q = g.linear("q", x, 8);
    Value y = g.attention("a", 2, false, dropout, q, q, q);
    Value loss = g.reduce(ShapeOp.Reduce.Statistic.MEAN, y, 0, 1, 2);
    Graph graph = g.output("y", y).loss(loss).build();
    return MemoryEstimate.training(graph, SIZES, mode(Optimizer.adam(), Precision.F32))
        .activations();
  }

  @Test
  void everyOperationIsEstimated() {
    Graph graph = EveryOp.graph();
    TrainingMode mode = mode(Optimizer.adam(), Precision.F32);
    MemoryEstimate small = MemoryEstimate.training(graph, SIZES, mode);
    MemoryEstimate twice =
        MemoryEstimate.training(graph, Map.of("batch", 8L, "sequence", 6L), mode);

    assertThat(small.parameters()).isEqualTo(4 * graph.parameterCount());
    assertThat(twice.working()).isBetween(2 * small.working() - 1000, 2 * small.working() + 1000);
    assertThat(twice.activations())
        .isBetween(2 * small.activations() - 1000, 2 * small.activations());
    assertThat(MemoryEstimate.prediction(graph, SIZES, Precision.F32).total())
        .isLessThan(small.total());
  }

  @Test
  void adaptersKeepTheirLowRankProduct() {
    GraphBuilder g = Graph.builder("adapters");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
    Value adapter = g.input("adapter", TensorType.i64(Dim.BATCH));
    String a = g.parameter("a", Initializer.ZEROS, 2, 3, 8);
    String b = g.parameter("b", Initializer.ZEROS, 2, 4, 3);
    Value y = g.apply("low", new LayerOp.AdapterLinear(a, b), x, adapter);

    assertThat(activations(g, y))
        .isEqualTo(4 * 6 * 8 * 4 + 4 * 8 + 4 * 6 * 3 * 4 + 4 * 3 * (8 + 4) * 4);
  }

  @Test
  void aNormKeepsOneNumberForEachHead() {
    GraphBuilder g = Graph.builder("heads");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
    LayerOp.RmsNorm op = new LayerOp.RmsNorm(g.parameter("w", Initializer.ONES, 2), 1e-5);

    assertThat(activations(g, g.apply("n", op, x))).isEqualTo(4 * 6 * 8 * 4 + 4 * 6 * (8 / 2) * 4);
  }

  @Test
  void virtualTokensKeepNothing() {
    GraphBuilder g = Graph.builder("prompt");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
    String tokens = g.parameter("t", Initializer.ZEROS, 3, 8);
    Value longer = g.apply("v", new LayerOp.VirtualTokens(tokens), x);

    assertThat(activations(g, g.apply("s", new SequenceOp.Skip(3), longer)))
        .isEqualTo(4 * 6 * 8 * 4);
  }

  private static long activations(GraphBuilder g, Value y) {
    Graph graph =
        g.output("y", y).loss(g.reduce(ShapeOp.Reduce.Statistic.MEAN, y, 0, 1, 2)).build();
    return MemoryEstimate.training(graph, SIZES, mode(Optimizer.sgd(0), Precision.F32))
        .activations();
  }

  @Test
  void lossesOverSequencesAndPairsKeepLogarithms() {
    GraphBuilder g = Graph.builder("losses");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
    Value next = g.target("next", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value reference = g.target("reference", TensorType.f32(Dim.BATCH));
    Value logits = g.linearWithoutBias("vocabulary", x, 11);
    Value scores = g.apply("scores", new LossOp.SequenceLogProbability(), logits, next);
    Value preference = g.apply("preference", new LossOp.Preference(1), scores, reference);
    Value rows = g.input("rows", TensorType.f32(Dim.BATCH, Dim.of(5)));
    Value vectors = g.linearWithoutBias("vectors", rows, 7);
    Value pairs = g.apply("pairs", new LossOp.Contrastive(1), vectors);
    Graph graph = g.output("y", vectors).loss(g.add(preference, pairs)).build();

    long inputs = 4 * 6 * 8 * 4 + 4 * 6 * 8 + 4 * 4 + 4 * 5 * 4;
    long likelihoods = 4 * 6 * 11 * 4 + 4 * 4;
    long contrasted = 4 * 7 * 4 + 2 * 2 * 4;
    assertThat(
            MemoryEstimate.training(graph, SIZES, mode(Optimizer.sgd(0), Precision.F32))
                .activations())
        .isEqualTo(inputs + likelihoods + contrasted);
  }

  @Test
  void aMaximumOverWindowsKeepsPlaces() {
    GraphBuilder g = Graph.builder("cnn");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(1), Dim.of(4), Dim.of(4)));
    Value c = g.conv2d("c", x, 2, 3, 1, 1);
    Value p = g.pool2d(ShapeOp.Pool2d.Kind.MAX, c, 2);
    Value loss = g.reduce(ShapeOp.Reduce.Statistic.MEAN, p, 0, 1, 2, 3);
    Graph graph = g.output("p", p).loss(loss).build();

    long image = 4 * 16 * 4;
    long convolved = 4 * 2 * 16 * 4;
    long places = 4 * 2 * 4 * 8;
    assertThat(
            MemoryEstimate.training(graph, SIZES, mode(Optimizer.sgd(0), Precision.F32))
                .activations())
        .isEqualTo(image + convolved + places);
  }

  @Test
  void recomputationKeepsOneValueOfEachSegment() {
    Graph deep = deep(16);
    TrainingMode keeping = new TrainingMode(Optimizer.adam(), Precision.F32, 1, false);
    TrainingMode again = new TrainingMode(Optimizer.adam(), Precision.F32, 1, true);
    MemoryEstimate kept = MemoryEstimate.training(deep, Map.of("batch", 1000L), keeping);
    MemoryEstimate computed = MemoryEstimate.training(deep, Map.of("batch", 1000L), again);

    long value = 1000 * 64 * 4;
    assertThat(kept.activations()).isBetween(16 * value, 18 * value);
    assertThat(computed.activations() + computed.working()).isBetween(4 * value, 12 * value);
    assertThat(computed.gradients()).isEqualTo(kept.gradients());
  }

  private static Graph deep(int layers) {
    GraphBuilder g = Graph.builder("deep");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(64)));
    for (int i = 0; i < layers; i++) {
      x = g.relu(g.linear("layer" + i, x, 64));
    }
    Value loss = g.reduce(ShapeOp.Reduce.Statistic.MEAN, x, 0, 1);
    return g.output("y", x).loss(loss).build();
  }

  @Test
  void logitsOfManyClassesGoThroughInChunks() {
    MemoryEstimate few = classifier(4095);
    MemoryEstimate many = classifier(8192);

    long rows = 10_000;
    assertThat(few.activations()).isGreaterThan(rows * 4095 * 4);
    assertThat(many.activations()).isLessThan(rows * 8192);
    assertThat(many.working()).isBetween(50_000_000L - 4 * 8192, 60_000_000L);
  }

  private static MemoryEstimate classifier(int classes) {
    GraphBuilder g = Graph.builder("classes");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(8)));
    Value y = g.linear("head", g.linear("body", x, 8), classes);
    Value t = g.target("t", TensorType.i64(Dim.BATCH));
    Graph graph = g.output("y", y).loss(g.crossEntropy(y, t)).build();
    return MemoryEstimate.training(
        graph, Map.of("batch", 10_000L), mode(Optimizer.sgd(0), Precision.F32));
  }

  @Test
  void sumsOverMicroBatchesAreKeptBesideTheLatestGradients() {
    TrainingMode mode = mode(Optimizer.adam(), Precision.F32);

    assertThat(MemoryEstimate.training(mlp(), SIZES, mode, 3).gradients()).isEqualTo(2 * 4 * 283);
    assertThat(MemoryEstimate.training(mlp(), SIZES, mode, 3).optimizer()).isEqualTo(8 * 283);
    assertThatThrownBy(() -> MemoryEstimate.training(mlp(), SIZES, mode, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("microBatches must be at least 1, got 0");
  }
}
