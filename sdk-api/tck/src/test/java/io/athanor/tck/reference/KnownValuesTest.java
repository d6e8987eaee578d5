package io.athanor.tck.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.RopeScaling;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp.Pool2d;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values worked out by hand or taken from tables, since gradient checks say nothing of them. */
class KnownValuesTest {
  private static final Offset<Double> EXACT = within(1e-12);

  private static Array array(double... values) {
    return Array.of(values, values.length);
  }

  private static Array matrix(int columns, double... values) {
    return Array.of(values, values.length / columns, columns);
  }

  private static Array sequence(int columns, double... values) {
    return Array.of(values, 1, values.length / columns, columns);
  }

  /** Abramowitz and Stegun, table 7.1. */
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "0.1, 0.1124629160",
    "0.5, 0.5204998778",
    "1, 0.8427007929",
    "2, 0.9953222650",
    "-1, -0.8427007929",
    "7, 1",
  })
  void errorFunctionIsThatOfTheTables(double x, double expected) {
    assertThat(Elements.erf(x)).isCloseTo(expected, within(1e-10));
  }

  /** The normal distribution's tables give 0.8413447461 below 1; the rest is arithmetic. */
  @ParameterizedTest
  @CsvSource({
    "RELU, 0, 1",
    "LEAKY_RELU, -0.01, 1",
    "ELU, -0.6321205588, 1",
    "TANH, -0.7615941560, 0.7615941560",
    "SIGMOID, 0.2689414214, 0.7310585786",
    "SILU, -0.2689414214, 0.7310585786",
    "SOFTPLUS, 0.3132616875, 1.3132616875",
    "GELU, -0.1586552539, 0.8413447461",
    "GELU_TANH, -0.1588080094, 0.8411919906",
  })
  void activationsOfMinusOneAndOne(Activation.Kind kind, double ofMinusOne, double ofOne) {
    double[] values = Elements.activation(array(-1, 1), kind).value().values;

    assertThat(values).containsExactly(new double[] {ofMinusOne, ofOne}, within(1e-9));
  }

  @Test
  void linearMultipliesByTheTransposedWeight() {
    Array y =
        Layers.linear(matrix(2, 1, 2), matrix(2, 3, 4, 5, 6, 7, 8), array(10, 20, 30)).value();

    assertThat(y.shape).containsExactly(1, 3);
    assertThat(y.values).containsExactly(21, 37, 53);
  }

  @Test
  void convolutionDoesNotFlipItsKernel() {
    Array image = Array.of(new double[] {1, 2, 3, 4}, 1, 1, 2, 2);
    Array kernel = Array.of(new double[] {1, 10, 100, 1000}, 1, 1, 2, 2);

    assertThat(Windows.conv2d(image, kernel, array(0.5), 1, 0).value().values)
        .containsExactly(4321.5);
    assertThat(Windows.conv2d(image, kernel, null, 2, 1).value().values)
        .containsExactly(1000, 200, 30, 4);
  }

  @Test
  void paddingCountsInTheMeanAndNeverIsTheMaximum() {
    Array image = Array.of(new double[] {-1, -2, -3, -4}, 1, 1, 2, 2);

    assertThat(Windows.pool2d(image, new Pool2d(Pool2d.Kind.MEAN, 2, 2, 1)).value().values)
        .containsExactly(-0.25, -0.5, -0.75, -1);
    assertThat(Windows.pool2d(image, new Pool2d(Pool2d.Kind.MAX, 2, 2, 1)).value().values)
        .containsExactly(-1, -2, -3, -4);
  }

  @Test
  void normalisationsDivideByTheBiasedDeviation() {
    Array x = matrix(2, 1, 3);

    assertThat(Layers.layerNorm(x, array(2, 2), array(0, 1), 0).value().values)
        .containsExactly(-2, 3);
    assertThat(Layers.rmsNorm(matrix(2, 1, 7), array(4, 4), 0, 1).value().values)
        .containsExactly(new double[] {1, 7}, EXACT);
    Array heads = Array.of(new double[] {1, 7, -14, 2}, 1, 4);
    assertThat(Layers.rmsNorm(heads, array(5, 10), 0, 0).value().values)
        .containsExactly(new double[] {1, 14, -7, 2}, EXACT);
  }

  @Test
  void batchNormMovesRunningStatisticsByUnbiasedVariance() {
    GraphBuilder g = Graph.builder("norm");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(1)));
    Graph graph = g.output("y", g.batchNorm("norm", x)).build();
    Map<String, Array> parameters =
        Map.of(
            "norm.weight", array(1),
            "norm.bias", array(0),
            "norm.running_mean", array(10),
            "norm.running_var", array(1));

    Evaluation run =
        Evaluation.train(graph, parameters, Map.of("x", matrix(1, 1, 3)), new SplittableRandom(1));

    assertThat(run.parameters().get("norm.running_mean").values)
        .containsExactly(new double[] {0.9 * 10 + 0.1 * 2}, EXACT);
    assertThat(run.parameters().get("norm.running_var").values)
        .containsExactly(new double[] {0.9 * 1 + 0.1 * 2}, EXACT);
  }

  /** Saturated gates make the recurrences' values plain. */
  @Test
  void lstmGatesAreInputForgetCellOutput() {
    Array none = Array.zeros(4, 1);
    Array zeros = Array.zeros(4);
    Array x = sequence(1, 0, 0, 0);
    Recurrent.Cell remembers = new Recurrent.Cell(none, none, array(100, 100, 100, 100), zeros);
    Recurrent.Cell forgets = new Recurrent.Cell(none, none, array(100, -100, 100, 100), zeros);
    Recurrent.Cell silent = new Recurrent.Cell(none, none, zeros, array(100, 100, 100, -100));

    assertThat(Recurrent.lstm(x, remembers).value().values)
        .containsExactly(new double[] {Math.tanh(1), Math.tanh(2), Math.tanh(3)}, EXACT);
    assertThat(Recurrent.lstm(x, forgets).value().values)
        .containsExactly(new double[] {Math.tanh(1), Math.tanh(1), Math.tanh(1)}, EXACT);
    assertThat(Recurrent.lstm(x, silent).value().values)
        .containsExactly(new double[] {0, 0, 0}, EXACT);
  }

  /** Update 1 keeps the state, update 0 replaces it; reset scales the hidden product and bias. */
  @Test
  void gruGatesAreResetUpdateNewWithResetAfterTheProduct() {
    Array none = Array.zeros(3, 1);
    Array x = sequence(1, 0, 0);
    Recurrent.Cell keeps = new Recurrent.Cell(none, none, array(0, 100, 5), Array.zeros(3));
    Recurrent.Cell halfReset = new Recurrent.Cell(none, none, array(0, -100, 1), array(0, 0, 4));

    assertThat(Recurrent.gru(x, keeps).value().values).containsExactly(new double[] {0, 0}, EXACT);
    assertThat(Recurrent.gru(x, halfReset).value().values)
        .containsExactly(new double[] {Math.tanh(3), Math.tanh(3)}, EXACT);
  }

  @Test
  void attentionToEqualKeysGivesTheMeanOfWhatIsSeen() {
    Array q = sequence(1, 1, 1, 1);
    Array k = sequence(1, 2, 2, 2);
    Array v = sequence(1, 3, 6, 12);
    Array keep = Array.zeros(1, 1, 3, 3).map(zero -> 1);
    SequenceOp.Attention free = new SequenceOp.Attention(1, 1, false, 0, 1);
    SequenceOp.Attention causal = new SequenceOp.Attention(1, 1, true, 0, 1);

    assertThat(attend(q, k, v, null, free, keep).value().values)
        .containsExactly(new double[] {7, 7, 7}, EXACT);
    assertThat(attend(q, k, v, null, causal, keep).value().values)
        .containsExactly(new double[] {3, 4.5, 7}, EXACT);
    assertThat(attend(q, k, v, matrix(3, 0, 1, 1), causal, keep).value().values)
        .containsExactly(new double[] {0, 6, 9}, EXACT);
  }

  private static Result attend(
      Array q, Array k, Array v, @Nullable Array mask, SequenceOp.Attention op, Array keep) {
    return Sequences.attention(q, k, v, mask, Sequences.sight(op, mask, false), op, keep);
  }

  @Test
  void aWindowHidesWhatIsFarBehindAndDocumentsHideEachOther() {
    Array q = sequence(1, 1, 1, 1, 1);
    Array k = sequence(1, 2, 2, 2, 2);
    Array v = sequence(1, 3, 6, 12, 24);
    Array keep = Array.zeros(1, 1, 4, 4).map(zero -> 1);
    SequenceOp.Attention near = new SequenceOp.Attention(1, 1, true, 0, 1, 2, 0);
    SequenceOp.Attention causal = new SequenceOp.Attention(1, 1, true, 0, 1);
    Array documents = matrix(4, 7, 7, 2, 0);

    assertThat(attend(q, k, v, null, near, keep).value().values)
        .containsExactly(new double[] {3, 4.5, 9, 18}, EXACT);
    assertThat(
            Sequences.attention(
                    q, k, v, documents, Sequences.sight(causal, documents, true), causal, keep)
                .value()
                .values)
        .containsExactly(new double[] {3, 4.5, 12, 0}, EXACT);
  }

  @Test
  void aSoftCapBendsScores() {
    Array q = sequence(1, 3, 3);
    Array k = sequence(1, 0, 100);
    Array v = sequence(1, 0, 1);

    double share = 1 / (1 + Math.exp(-2));
    assertThat(
            attend(
                    q,
                    k,
                    v,
                    null,
                    new SequenceOp.Attention(1, 1, true, 0, 1, 0, 2),
                    Array.zeros(1, 1, 2, 2).map(zero -> 1))
                .value()
                .values)
        .containsExactly(new double[] {0, share}, within(1e-9));
  }

  @Test
  void llamaScalingKeepsShortWavesAndDividesLongOnes() {
    RopeScaling scaling = new RopeScaling.Llama3(8, 1, 4, 8192);

    assertThat(scaling.frequency(1, 500_000, 64)).isEqualTo(1);
    assertThat(scaling.frequency(1e-5, 500_000, 64)).isCloseTo(1e-5 / 8, within(1e-12));
    // A wave of 8192 / 2 positions lies a third of the way from long to short.
    double middle = 2 * Math.PI * 2 / 8192;
    assertThat(scaling.frequency(middle, 500_000, 64))
        .isCloseTo(middle * (1 / 3.0 + 2 / 3.0 / 8), within(1e-12));
  }

  @Test
  void yarnKeepsPairsThatTurnOftenAndDividesThoseThatTurnSeldom() {
    RopeScaling scaling = new RopeScaling.Yarn(4, 1, 32, 4096, 1);
    double[] speeds = new SequenceOp.Rope(64, 10_000, scaling).frequencies();

    assertThat(speeds[0]).isEqualTo(1);
    assertThat(speeds[31]).isCloseTo(Math.pow(10_000, -62.0 / 64) / 4, within(1e-12));
  }

  @Test
  void adaptersOfARowAreItsOwn() {
    Array x = Array.of(new double[] {1, 2, 3, 4}, 2, 1, 2);
    Array a = Array.of(new double[] {1, 0, 0, 1}, 2, 1, 2);
    Array b = Array.of(new double[] {10, 100}, 2, 1, 1);

    assertThat(Layers.adapterLinear(x, array(1, 0), a, b).value().values).containsExactly(200, 30);
  }

  @Test
  void virtualTokensComeFirstInEveryRow() {
    Array x = Array.of(new double[] {1, 2}, 2, 1, 1);

    assertThat(Layers.virtualTokens(x, matrix(1, 8, 9)).value().values)
        .containsExactly(8, 9, 1, 8, 9, 2);
  }

  @Test
  void preferenceComparesTheLeadWithThatOfTheReference() {
    Result same = Losses.preference(array(-1, -2), array(-1, -2), 0.5);
    Result better = Losses.preference(array(-1, -5), array(-1, -2), 0.5);

    assertThat(same.value().values).containsExactly(new double[] {Math.log(2)}, EXACT);
    assertThat(better.value().values)
        .containsExactly(new double[] {Math.log(1 + Math.exp(-1.5))}, EXACT);
  }

  @Test
  void contrastLooksForTheOwnMatchAmongAll() {
    Array x = Array.of(new double[] {1, 0, 2, 0, 0, 1, 0, 3}, 4, 2);

    double first = -Math.log(Math.exp(4) / (Math.exp(4) + 1));
    double second = -Math.log(Math.exp(6) / (Math.exp(6) + 1));
    assertThat(Losses.contrastive(x, 0.5).value().values)
        .containsExactly(new double[] {(first + second) / 2}, EXACT);
  }

  @Test
  void theLikelihoodOfASequenceIsTheSumOverItsTargets() {
    Array logits = Array.of(new double[] {0, 0, Math.log(3), 0, 0, 0}, 1, 3, 2);

    assertThat(Losses.sequenceLogProbability(logits, matrix(3, 1, 0, -100)).value().values)
        .containsExactly(new double[] {Math.log(0.5) + Math.log(0.75)}, EXACT);
  }

  @Test
  void groupedHeadsShareTheKeyOfTheirGroup() {
    Array q = sequence(4, 1, 1, 1, 1);
    Array k = sequence(2, 0, 0);
    Array v = sequence(2, 5, 9);
    SequenceOp.Attention op = new SequenceOp.Attention(4, 2, false, 0, 1);

    assertThat(attend(q, k, v, null, op, Array.zeros(1, 4, 1, 1).map(zero -> 1)).value().values)
        .containsExactly(5, 5, 9, 9);
  }

  @Test
  void rotationTurnsHalvesOfAHeadAgainstEachOther() {
    Array x = sequence(4, 0, 0, 0, 0, 1, 0, 0, 1);

    double[] y = Sequences.rope(x, null, new SequenceOp.Rope(4, 100)).value().values;

    double[] expected = {0, 0, 0, 0, Math.cos(1), -Math.sin(0.1), Math.sin(1), Math.cos(0.1)};
    assertThat(y).containsExactly(expected, EXACT);
  }

  @Test
  void crossEntropyIgnoresAndSmooths() {
    Array even = Array.zeros(2, 4);
    Array skewed = matrix(2, Math.log(3), 0);

    assertThat(Losses.crossEntropy(even, array(1, -100), 0).value().values)
        .containsExactly(new double[] {Math.log(4)}, EXACT);
    double expected = -(0.9 * Math.log(0.75) + 0.1 * Math.log(0.25));
    assertThat(Losses.crossEntropy(skewed, array(0), 0.2).value().values)
        .containsExactly(new double[] {expected}, EXACT);
    assertThat(Losses.crossEntropy(even, array(-100, -100), 0).value().values[0]).isNaN();
  }

  @Test
  void otherLossesAreMeans() {
    assertThat(Losses.meanSquaredError(array(1, 5), array(0, 2)).value().values).containsExactly(5);
    assertThat(Losses.huber(array(0.5, 3), array(0, 0), 1).value().values)
        .containsExactly((0.125 + 2.5) / 2);
    assertThat(Losses.binaryCrossEntropy(array(0, 800), array(0.3, 0)).value().values)
        .containsExactly(new double[] {(Math.log(2) + 800) / 2}, EXACT);
  }

  @Test
  void optimizersFollowTheirFormulas() {
    assertThat(twoSteps(new Optimizer.Sgd(0.9, 0.5))).isCloseTo(afterSgd(), within(1e-6));
    // With equal gradients both corrected moments are the gradient and its square: unit steps.
    assertThat(twoSteps(Optimizer.adam())).isCloseTo(2 - 0.1 - 0.1, within(1e-6));
    assertThat(twoSteps(Optimizer.adamW(0.5)))
        .isCloseTo(((2 * 0.95) - 0.1) * 0.95 - 0.1, within(1e-6));
  }

  private static double afterSgd() {
    double velocity = 3 + 0.5 * 2;
    double weight = 2 - 0.1 * velocity;
    velocity = 0.9 * velocity + 3 + 0.5 * weight;
    return weight - 0.1 * velocity;
  }

  /** One weight of 2 after two steps along a gradient of 3 at a rate of 0.1. */
  private static double twoSteps(Optimizer optimizer) {
    GraphBuilder g = Graph.builder("one weight");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(1)));
    Graph graph = g.output("y", g.linearWithoutBias("line", x, 1)).build();
    Updates updates = new Updates(optimizer, graph);
    Map<String, Array> weights = new HashMap<>(Map.of("line.weight", matrix(1, 2)));
    for (int step = 1; step <= 2; step++) {
      updates.apply(weights, Map.of("line.weight", matrix(1, 3)), 0.1, step);
    }
    return weights.get("line.weight").values[0];
  }

  @Test
  void poolsOfSequencesLookOnlyAtRealPositions() {
    Array x = sequence(1, 2, 8, 100);
    Array mask = matrix(3, 1, 1, 0);
    List<Double> pooled =
        List.of(
            Sequences.pool(x, mask, SequenceOp.SequencePool.Kind.MEAN).value().values[0],
            Sequences.pool(x, mask, SequenceOp.SequencePool.Kind.MAX).value().values[0],
            Sequences.pool(x, mask, SequenceOp.SequencePool.Kind.FIRST).value().values[0],
            Sequences.pool(x, mask, SequenceOp.SequencePool.Kind.LAST).value().values[0]);

    assertThat(pooled).containsExactly(5.0, 8.0, 2.0, 8.0);
  }
}
