package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizedProductTest {
  private static final List<QuantizedProduct> FOUR_BITS =
      List.of(QuantizedProduct.GROUPED, QuantizedProduct.PLAIN);

  /** Layers in a row; a linear one is named by its width and height. */
  private static Graph chain(int vocabulary, int... sizes) {
    GraphBuilder g = Graph.builder("chain");
    Value tokens = g.input("tokens", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", tokens, vocabulary, sizes[0], 1);
    for (int i = 1; i < sizes.length; i++) {
      x = g.linearWithoutBias(sizes[i - 1] + "x" + sizes[i], x, sizes[i]);
    }
    Value last = g.rmsNorm("norm", x, 1e-5);
    return g.output("output", g.linearWithoutBias("head", last, vocabulary)).build();
  }

  private static float[] logits(List<QuantizedProduct> products, Graph graph, Weights weights) {
    DecoderGraph decoded = DecoderGraph.of(graph.forPrediction());
    LibTorch.start();
    NativeCalls calls = new NativeCalls();
    return calls.run(
        () -> {
          NativeScope scope = new NativeScope(calls, ComputeDevice.processor());
          Target target = new Target(ComputeDevice.processor(), Precision.F32);
          Program program =
              products.isEmpty()
                  ? DecoderWeights.load(scope, decoded, weights, target)
                  : DecoderWeights.rounded(scope, decoded, weights, products);
          try (Decoder decoder =
              new DecoderSession(decoded, new ThreadChoice(graph, 1, 1), calls, scope, program)) {
            int[] prompt = new SplittableRandom(1).ints(5, 0, decoded.vocabulary()).toArray();
            return decoder.begin(List.of(prompt), 5, Map.of()).floats();
          }
        });
  }

  private static float rounded(float x) {
    int bits = Float.floatToRawIntBits(x);
    return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
  }

  /** What 4 bits hold of a matrix, computed number by number. */
  private static Tensor fourBits(Tensor matrix) {
    float[] numbers = matrix.floats();
    for (int from = 0; from < numbers.length; from += 32) {
      float least = Float.MAX_VALUE;
      float largest = -Float.MAX_VALUE;
      for (int i = from; i < from + 32; i++) {
        least = Math.min(least, numbers[i]);
        largest = Math.max(largest, numbers[i]);
      }
      float scale = rounded(Math.max((largest - least) / 15, 1e-30f));
      float middle = rounded(least + 8 * scale);
      for (int i = from; i < from + 32; i++) {
        double step = Math.rint((numbers[i] - middle) / scale);
        numbers[i] = (float) Math.max(-8, Math.min(7, step)) * scale + middle;
      }
    }
    return Tensor.ofFloats(numbers, matrix.size(0), matrix.size(1));
  }

  /** The root mean square of differences, as a share of that of the expected values. */
  private static double error(float[] expected, float[] actual) {
    double difference = 0;
    double whole = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow((double) expected[i] - actual[i], 2);
      whole += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / whole);
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 48, 64, 80, 192, 320})
  void fourBitsAreTheNearestStepsOfEachGroup(int height) {
    Graph graph = chain(100, 512, height, 512);
    Weights weights = skewed(graph);
    Map<String, Tensor> nearest = new HashMap<>(weights.tensors());
    for (String layer : List.of("512x" + height, height + "x512")) {
      if (height % 32 == 0 || layer.startsWith("512")) {
        nearest.computeIfPresent(layer + ".weight", (name, tensor) -> fourBits(tensor));
      }
    }
    float[] expected = logits(List.of(), graph, Weights.of(nearest));
    float[] exact = logits(List.of(), graph, weights);
    float[] actual = logits(FOUR_BITS, graph, weights);
    assertThat(error(expected, actual)).isLessThan(0.01);
    assertThat(error(exact, expected)).isGreaterThan(0.03);
  }

  /** Groups whose middle is not 0, one of them constant. */
  private static Weights skewed(Graph graph) {
    Map<String, Tensor> tensors = new HashMap<>(Weights.initialize(graph, 2).tensors());
    tensors.replaceAll(
        (name, tensor) -> {
          float[] numbers = tensor.floats();
          for (int i = 0; name.contains("x") && i < numbers.length; i++) {
            numbers[i] = i < 32 ? 0.25f : numbers[i] + (i / 32 % 5 - 2) * 0.01f;
          }
          return Tensor.ofFloats(numbers, tensor.shape());
        });
    return Weights.of(tensors);
  }

  @Test
  void matricesThatGroupsDoNotDivideAndThatOfTheLogitsHaveEightBits() {
    Graph graph = chain(128, 96, 128, 72, 96, 88, 128);
    QuantizedMatrices matrices =
        new QuantizedMatrices(DecoderGraph.of(graph.forPrediction()), FOUR_BITS);
    Map<String, QuantizedProduct> products = new HashMap<>();
    matrices.matrices().forEach(each -> products.put(each.weights().get(0), each.product()));
    assertThat(products)
        .containsEntry("128x72.weight", QuantizedProduct.PLAIN)
        .containsEntry("72x96.weight", QuantizedProduct.PLAIN)
        .containsEntry("96x88.weight", QuantizedProduct.PLAIN)
        .containsEntry("head.weight", QuantizedProduct.PLAIN);
  }

  @Test
  void probeTellsRightProductsFromThoseThatRound() {
    LibTorch.start();
    NativeCalls calls = new NativeCalls();
    assertThat(Stream.of(QuantizedProduct.values()).filter(each -> right(calls, each)))
        .containsExactly(QuantizedProduct.GROUPED);
  }

  private static boolean right(NativeCalls calls, QuantizedProduct product) {
    return calls.run(() -> ProductProbe.of(product).multiplies());
  }
}
