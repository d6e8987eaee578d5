package io.athanor.api.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.DType;
import io.athanor.api.error.GraphException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GraphBuilderTest {
  private final GraphBuilder g = Graph.builder("test");
  private final Value rows = g.input("rows", TensorType.f32(Dim.BATCH, Dim.of(6)));
  private final Value ids = g.input("ids", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
  private final Value mask = g.input("mask", TensorType.f32(Dim.BATCH, Dim.SEQUENCE));
  private final Value steps = g.input("steps", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(8)));
  private final Value image =
      g.input("image", TensorType.f32(Dim.BATCH, Dim.of(3), Dim.of(5), Dim.of(4)));
  private final Value one = g.input("one", new TensorType(DType.F32, Shape.SCALAR));
  private final Value labels = g.target("labels", TensorType.i64(Dim.BATCH));

  private static Arguments refused(
      String layer, String message, Function<GraphBuilderTest, Object> use) {
    return Arguments.of(layer, message, use);
  }

  static Stream<Arguments> misuses() {
    return Stream.of(
        refused(
            "l",
            "expected input 0 to hold floats, got I64[batch, sequence]",
            t -> t.g.apply("l", new LayerOp.Linear(t.w(2, 6), null), t.ids)),
        refused(
            "l",
            "expected parameter 'w' of shape [any, 6], got [2, 7]",
            t -> t.g.apply("l", new LayerOp.Linear(t.w(2, 7), null), t.rows)),
        refused(
            "l",
            "expected input 0 with a fixed last size, got F32[batch, sequence]",
            t -> t.g.linear("l", t.mask, 2)),
        refused(
            "l",
            "expected input 0 with a fixed last size, got F32[]",
            t -> t.g.linear("l", t.one, 2)),
        refused(
            "n",
            "expected input 0 of shape [.., size], got a scalar",
            t -> t.g.apply("n", new LayerOp.LayerNorm(t.w(1), null, 1e-5), t.one)),
        refused(
            "n",
            "expected input 0 of shape [.., size], got a scalar",
            t -> t.g.apply("n", new LayerOp.RmsNorm(t.w(1), 1e-5), t.one)),
        refused(
            "softmax_0",
            "expected input 0 of shape [.., size], got a scalar",
            t -> t.g.softmax(t.one)),
        refused(
            "e",
            "expected input 0 to hold I64, got F32[batch, 6]",
            t -> t.g.embedding("e", t.rows, 5, 4, 1)),
        refused(
            "c",
            "of shape [batch, channels, height, width], got F32[batch, 6]",
            t -> t.g.conv2d("c", t.rows, 2, 3, 1, 1)),
        refused(
            "c",
            "expected a size of at least 7 on axis 2 including padding, got 5",
            t -> t.g.conv2d("c", t.image, 2, 7, 1, 0)),
        refused(
            "b",
            "[batch, channels] or [batch, channels, height, width], got [batch, sequence, 8]",
            t -> t.g.apply("b", new LayerOp.BatchNorm("p", "p", "p", "p", 1e-5, 0.1), t.steps)),
        refused(
            "r",
            "expected input 0 of shape [batch, sequence, size], got [batch, 6]",
            t -> t.g.lstm("r", t.rows, 3)),
        refused(
            "r",
            "expected parameter 'w' of shape [3 hidden, hidden], got [8, 2]",
            t -> t.g.apply("r", new LayerOp.Gru("x", t.w(8, 2), "y", "z"), t.steps)),
        refused(
            "rope_0",
            "expected a last size divisible by head size 6, got [batch, sequence, 8]",
            t -> t.g.rope(t.steps, 6, 10_000)),
        refused(
            "a",
            "expected last sizes that fit 3 heads and 3 key heads",
            t -> t.g.attention("a", 3, false, 0, t.steps, t.steps, t.steps)),
        refused(
            "a",
            "expected mask of shape [batch, sequence], got [batch, 6]",
            t -> t.g.attention("a", 2, false, 0, t.steps, t.steps, t.steps, t.rows)),
        refused(
            "a",
            "expected 3 to 4 inputs, got 5",
            t -> t.g.attention("a", 2, false, 0, t.steps, t.steps, t.steps, t.mask, t.mask)),
        refused(
            "sequence_pool_0",
            "expected 1 to 2 inputs, got 3",
            t -> t.g.sequencePool(SequenceOp.SequencePool.Kind.MEAN, t.steps, t.mask, t.mask)),
        refused(
            "add_0",
            "expected shapes that broadcast, got [batch, 6] and [batch, sequence]",
            t -> t.g.add(t.rows, t.mask)),
        refused(
            "reshape_0",
            "expected 6 elements a row as in [batch, 6], got [2, 4]",
            t -> t.g.reshape(t.rows, 2, 4)),
        refused(
            "reshape_0",
            "expected a fixed size on axis 1 of input 0, got symbol sequence",
            t -> t.g.reshape(t.mask, 2)),
        refused(
            "fc.weight",
            "expected sizes of at least 1, got shape [0, 6]",
            t -> t.g.linear("fc", t.rows, 0)),
        refused("reshape_0", "sizes are too large to count", t -> t.g.reshape(t.rows, 1L << 62, 6)),
        refused(
            "one",
            "expected [batch, ..] with fixed sizes to flatten, got F32[]",
            t -> t.g.flatten(t.one)),
        refused(
            "mask",
            "expected [batch, ..] with fixed sizes to flatten, got F32[batch, sequence]",
            t -> t.g.flatten(t.mask)),
        refused(
            "transpose_0",
            "expected an order of the 2 axes of [batch, 6], got [0, 2]",
            t -> t.g.transpose(t.rows, 0, 2)),
        refused(
            "concat_0",
            "expected input 1 of shape [batch, 6], got [batch, sequence]",
            t -> t.g.concat(0, t.rows, t.mask)),
        refused(
            "concat_0",
            "expected at most one symbolic size on axis 1, got two",
            t -> t.g.concat(1, t.mask, t.mask)),
        refused(
            "concat_0",
            "expected an axis of [batch, 6], got 2",
            t -> t.g.concat(2, t.rows, t.rows)),
        refused(
            "slice_0",
            "expected a range within axis 1 of [batch, 6], got 2 to 7",
            t -> t.g.slice(t.rows, 1, 2, 7)),
        refused(
            "reduce_0",
            "expected an axis of [batch, 6], got 2",
            t -> t.g.reduce(ShapeOp.Reduce.Statistic.SUM, t.rows, 2)),
        refused(
            "cross_entropy_0",
            "expected targets of shape [batch, sequence], got [batch]",
            t -> t.g.crossEntropy(t.steps, t.labels)),
        refused(
            "mean_squared_error_0",
            "expected targets of shape [batch, 6], got [batch, sequence]",
            t -> t.g.meanSquaredError(t.rows, t.mask)));
  }

  static Stream<Arguments> misusesOfLanguageModels() {
    return Stream.of(
        refused(
            "n",
            "expected a last size divisible by that of 'w', 3, got [batch, sequence, 8]",
            t -> t.g.apply("n", new LayerOp.RmsNorm(t.w(3), 1e-5), t.steps)),
        refused(
            "n",
            "expected a last size divisible by that of 'w', 16, got [batch, sequence, 8]",
            t -> t.g.apply("n", new LayerOp.RmsNorm(t.w(16), 1e-5), t.steps)),
        refused(
            "n",
            "expected a fixed size on axis 1 of input 0, got symbol sequence",
            t -> t.g.apply("n", new LayerOp.RmsNorm(t.w(3), 1e-5), t.mask)),
        refused(
            "n",
            "expected parameter 'w' of shape [any], got [2, 4]",
            t -> t.g.apply("n", new LayerOp.RmsNorm(t.w(2, 4), 1e-5), t.steps)),
        refused(
            "l",
            "expected input 0 of shape [batch, sequence, size], got [batch, 6]",
            t -> t.adapters(t.rows, t.labels, 2, 2)),
        refused(
            "l",
            "expected adapters of shape [batch], got [batch, sequence]",
            t -> t.adapters(t.steps, t.ids, 2, 2)),
        refused(
            "l",
            "expected input 1 to hold I64, got F32[batch, sequence]",
            t -> t.adapters(t.steps, t.mask, 2, 2)),
        refused(
            "l",
            "expected parameter 'w' of shape [any, any, 8], got [2, 3, 7]",
            t -> t.g.apply("l", new LayerOp.AdapterLinear(t.w(2, 3, 7), "b"), t.steps, t.labels)),
        refused(
            "l",
            "expected parameter 'b' of shape [2, any, 3], got [4, 5, 3]",
            t -> t.adapters(t.steps, t.labels, 2, 4)),
        refused(
            "v",
            "expected parameter 'w' of shape [any, 8], got [2, 7]",
            t -> t.g.apply("v", new LayerOp.VirtualTokens(t.w(2, 7)), t.steps)),
        refused(
            "v",
            "expected input 0 of shape [batch, sequence, size], got [batch, sequence]",
            t -> t.g.apply("v", new LayerOp.VirtualTokens(t.w(2, 7)), t.mask)),
        refused(
            "p",
            "expected input 0 of shape [batch, sequence], got F32[batch, sequence, 8]",
            t -> t.g.apply("p", new SequenceOp.Prepend(2, 0), t.steps)),
        refused(
            "s",
            "expected more than 1 positions to skip, got F32[batch, sequence, 8]",
            t -> t.g.apply("s", new SequenceOp.Skip(1), t.steps)),
        refused(
            "s",
            "expected more than 6 positions to skip, got F32[batch, 6]",
            t -> t.g.apply("s", new SequenceOp.Skip(6), t.rows)),
        refused(
            "s",
            "expected input 0 of shape [batch, sequence, ..], got I64[batch]",
            t -> t.g.apply("s", new SequenceOp.Skip(1), t.labels)),
        refused(
            "c",
            "expected input 0 of shape [batch, sequence, ..], got [batch]",
            t -> t.g.apply("c", new SequenceOp.ConstantIds(1), t.labels)),
        refused(
            "u",
            "expected input 0 of shape [.., size], got a scalar",
            t -> t.g.apply("u", new ElementOp.Normalize(), t.one)),
        refused(
            "r",
            "expected positions of shape [batch, sequence], got [batch]",
            t -> t.g.apply("r", new SequenceOp.Rope(4, 100), t.steps, t.labels)),
        refused(
            "a",
            "expected mask of shape [batch, sequence], got [batch]",
            t -> t.g.attention("a", 2, true, 0, t.steps, t.steps, t.steps, t.labels)),
        refused(
            "a",
            "expected query and key of one length in documents, got [batch, 6, 8], [batch, s",
            t -> t.g.attention("a", 2, false, 0, t.six(), t.steps, t.steps, t.ids)),
        refused(
            "p",
            "expected targets of shape [batch, sequence], got [batch]",
            t -> t.g.apply("p", new LossOp.SequenceLogProbability(), t.steps, t.labels)),
        refused(
            "p",
            "expected input 0 of shape [batch, sequence, classes], got [batch, 6]",
            t -> t.g.apply("p", new LossOp.SequenceLogProbability(), t.rows, t.labels)),
        refused(
            "d",
            "expected input 0 of shape [batch], got []",
            t -> t.g.apply("d", new LossOp.Preference(0.1), t.one, t.one)),
        refused(
            "d",
            "expected reference of shape [batch], got [batch, 6]",
            t -> t.g.apply("d", new LossOp.Preference(0.1), t.likelihood(), t.rows)),
        refused(
            "c",
            "expected input 0 of shape [batch, size], got [batch, sequence, 8]",
            t -> t.g.apply("c", new LossOp.Contrastive(0.1), t.steps)));
  }

  private Value adapters(Value x, Value choice, long down, long up) {
    String b = g.parameter("b", Initializer.ZEROS, up, 5, 3);
    return g.apply("l", new LayerOp.AdapterLinear(w(down, 3, 8), b), x, choice);
  }

  private Value six() {
    return g.input("six", TensorType.f32(Dim.BATCH, Dim.of(6), Dim.of(8)));
  }

  private Value likelihood() {
    return g.input("likelihood", TensorType.f32(Dim.BATCH));
  }

  private String w(long... shape) {
    return g.parameter("w", Initializer.ZEROS, shape);
  }

  @ParameterizedTest
  @MethodSource({"misuses", "misusesOfLanguageModels"})
  void whatDoesNotFitNamesTheLayerWithExpectedAndActual(
      String layer, String message, Function<GraphBuilderTest, Object> use) {
    assertThatThrownBy(() -> use.apply(this))
        .isInstanceOfSatisfying(GraphException.class, e -> assertThat(e.layer()).isEqualTo(layer))
        .hasMessageContaining(message);
  }

  @Test
  void shapesFollowTheLayers() {
    assertThat(g.linear("l", steps, 3).type()).hasToString("F32[batch, sequence, 3]");
    assertThat(g.embedding("e", ids, 9, 4, 1).type()).hasToString("F32[batch, sequence, 4]");
    assertThat(g.conv2d("c", image, 2, 3, 2, 1).shape()).hasToString("[batch, 2, 3, 2]");
    assertThat(g.pool2d(ShapeOp.Pool2d.Kind.MAX, image, 2).shape()).hasToString("[batch, 3, 2, 2]");
    assertThat(g.flatten(image).shape()).hasToString("[batch, 60]");
    assertThat(g.transpose(image, 0, 2, 3, 1).shape()).hasToString("[batch, 5, 4, 3]");
    assertThat(g.gru("g", steps, 5).shape()).hasToString("[batch, sequence, 5]");
    assertThat(g.attention("a", 4, true, 0, steps, steps, steps).shape()).isEqualTo(steps.shape());
    assertThat(g.sequencePool(SequenceOp.SequencePool.Kind.MAX, steps, mask).shape())
        .hasToString("[batch, 8]");
    assertThat(g.positionIds(steps).type()).hasToString("I64[batch, sequence]");
    assertThat(g.reduce(ShapeOp.Reduce.Statistic.MAX, image, 2, 3).shape())
        .hasToString("[batch, 3]");
    assertThat(g.slice(rows, 1, 1, 3).shape()).hasToString("[batch, 2]");
    assertThat(g.crossEntropy(rows, labels).shape()).hasToString("[]");
  }

  @Test
  void shapesFollowTheLayersOfLanguageModels() {
    String tokens = g.parameter("t", Initializer.ZEROS, 3, 8);
    Value longer = g.apply("v", new LayerOp.VirtualTokens(tokens), steps);
    assertThat(longer.shape()).hasToString("[batch, sequence+3, 8]");
    assertThat(g.apply("s", new SequenceOp.Skip(3), longer).type()).isEqualTo(steps.type());
    assertThat(g.apply("p", new SequenceOp.Prepend(3, 1), ids).type())
        .hasToString("I64[batch, sequence+3]");
    assertThat(g.apply("pm", new SequenceOp.Prepend(3, 1), mask).type())
        .hasToString("F32[batch, sequence+3]");
    assertThat(g.apply("c", new SequenceOp.ConstantIds(2), steps).type())
        .hasToString("I64[batch, sequence]");
    assertThat(adapters(steps, labels, 2, 2).type()).hasToString("F32[batch, sequence, 5]");
    assertThat(g.apply("h", new LayerOp.RmsNorm(g.parameter("h", Initializer.ONES, 2), 1), steps))
        .extracting(Value::type)
        .isEqualTo(steps.type());
    Value scores = g.apply("q", new LossOp.SequenceLogProbability(), steps, ids);
    assertThat(scores.type()).hasToString("F32[batch]");
    assertThat(g.apply("d", new LossOp.Preference(1), scores, likelihood()).type())
        .hasToString("F32[]");
    assertThat(g.apply("n", new LossOp.Contrastive(1), rows).type()).hasToString("F32[]");
  }

  @Test
  void aFixedSizeAddsToASymbolicOne() {
    Value prefix = g.input("prefix", TensorType.f32(Dim.BATCH, Dim.of(4), Dim.of(8)));
    Value longer = g.concat(1, prefix, steps);

    assertThat(longer.shape()).hasToString("[batch, sequence+4, 8]");
    assertThat(longer.shape().resolve(java.util.Map.of("batch", 2L, "sequence", 3L)))
        .containsExactly(2, 7, 8);
  }

  @Test
  void sizesBroadcastFromTheLastAxis() {
    Value scale = g.input("scale", TensorType.f32(Dim.of(8)));
    Value column = g.input("column", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(1)));

    assertThat(g.multiply(steps, scale).shape()).isEqualTo(steps.shape());
    assertThat(g.add(column, steps).shape()).isEqualTo(steps.shape());
  }

  @Test
  void aNameIsGivenOnce() {
    g.linear("l", rows, 2);

    assertThatThrownBy(() -> g.input("rows", rows.type()))
        .hasMessage("At 'rows': there is already a value of this name");
    assertThatThrownBy(() -> g.input("l", rows.type()))
        .hasMessage("At 'l': there is already a value of this name");
    assertThatThrownBy(() -> g.linear("l", rows, 2))
        .hasMessage("At 'l.weight': there is already a parameter of this name");
    assertThatThrownBy(() -> g.apply("rows", new ElementOp.Softmax(), rows))
        .hasMessage("At 'rows': there is already a value of this name");
    assertThatThrownBy(() -> g.output("y", rows).output("y", rows))
        .hasMessage("At 'y': there is already an output of this name");
  }

  @Test
  void aValueOfAnotherGraphIsRefused() {
    GraphBuilder other = Graph.builder("other");
    Value foreign = other.input("foreign", TensorType.f32(Dim.BATCH, Dim.of(2)));
    Value namesake = other.input("rows", TensorType.f32(Dim.BATCH, Dim.of(2)));

    assertThatThrownBy(() -> g.relu(foreign))
        .hasMessage("At 'relu_0': value 'foreign' is not of this graph");
    assertThatThrownBy(() -> g.relu(namesake))
        .hasMessage("At 'relu_0': value 'rows' is not of this graph");
    assertThatThrownBy(() -> g.output("y", foreign))
        .hasMessage("At 'y': value 'foreign' is not of this graph");
    assertThatThrownBy(() -> g.loss(foreign))
        .hasMessage("At 'loss': value 'foreign' is not of this graph");
  }

  @Test
  void settingsOutOfRangeAreNamed() {
    assertThatThrownBy(() -> g.dropout(rows, 1))
        .hasMessage("dropout rate must be in [0, 1), got 1.0");
    assertThatThrownBy(() -> g.layerNorm("n", rows, Double.NaN))
        .hasMessage("epsilon must be above 0, got NaN");
    assertThatThrownBy(() -> g.scale(rows, Double.POSITIVE_INFINITY))
        .hasMessage("factor must be finite, got Infinity");
    assertThatThrownBy(() -> g.reshape(rows, 0)).hasMessage("sizes must be at least 1, got [0]");
    assertThatThrownBy(() -> new SequenceOp.Attention(3, 2, false, 0, 1))
        .hasMessage("heads must be a multiple of keyHeads, got 3 and 2");
    assertThatThrownBy(() -> Dim.symbol("a b"))
        .hasMessage("symbol must be an identifier, got 'a b'");
    assertThatThrownBy(() -> Dim.of(0)).hasMessage("A size must be at least 1, got 0");
    assertThat(g.dropout(rows, 0)).isSameAs(rows);
  }

  @Test
  void settingsOfLanguageModelsOutOfRangeAreNamed() {
    refusedSetting(
        "window must be 0, or above 0 where causal, got 4",
        () -> new SequenceOp.Attention(2, 2, false, 0, 1, 4, 0));
    refusedSetting(
        "softCap must be at least 0, got NaN",
        () -> new SequenceOp.Attention(2, 2, true, 0, 1, 0, Double.NaN));
    refusedSetting("offset must be finite, got NaN", () -> new LayerOp.RmsNorm("w", 1, Double.NaN));
    refusedSetting("headSize must be even, got 3", () -> new SequenceOp.Rope(3, 10));
    refusedSetting("base must be above 1, got 1.0", () -> new SequenceOp.Rope(4, 1));
    refusedSetting("base must be above 1, got NaN", () -> new SequenceOp.Rope(4, Double.NaN));
    refusedSetting("id must be at least 0, got -1", () -> new SequenceOp.ConstantIds(-1));
    refusedSetting("count must be at least 1, got 0", () -> new SequenceOp.Prepend(0, 1));
    refusedSetting("count must be at least 1, got -2", () -> new SequenceOp.Skip(-2));
    refusedSetting("beta must be above 0, got 0.0", () -> new LossOp.Preference(0));
    refusedSetting(
        "temperature must be above 0, got Infinity",
        () -> new LossOp.Contrastive(Double.POSITIVE_INFINITY));
  }

  private static void refusedSetting(String message, ThrowingCallable make) {
    assertThatThrownBy(make).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }
}
