package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DecoderTest {
  private static final int VOCABULARY = 300;
  private static final Graph GRAPH = languageModel();
  private static final Weights WEIGHTS = Weights.initialize(GRAPH, 4);

  private final Backend backend =
      new DjlBackend(
          LibTorch.start(), BackendOptions.defaults().withThreads(1), new LeakReporter());

  @BeforeAll
  void matricesAreLargeEnoughToBeRounded() {
    QuantizedMatrices matrices =
        new QuantizedMatrices(
            DecoderGraph.of(GRAPH.forPrediction()), products(QuantizedProduct.PRECISE));
    // In each block: query, key and value; output; gate and up; down. In the last block the query
    // is wanted at one position only, and so goes alone. Then the head, tied to the embedding.
    assertThat(matrices.matrices()).hasSize(4 + 5 + 1);
    assertThat(matrices.replaced()).hasSize(14).doesNotContain("words.weight");
  }

  @AfterAll
  void close() {
    backend.close();
  }

  private static Graph languageModel() {
    int size = 128;
    GraphBuilder g = Graph.builder("language-model");
    Value tokens = g.input("tokens", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", tokens, VOCABULARY, size, 1);
    for (int i = 0; i < 2; i++) {
      String block = "block" + i;
      Value n = g.rmsNorm(block + ".norm1", x, 1e-5);
      Value q = g.rope(g.linear(block + ".q", n, size), 32, 10_000);
      Value k = g.rope(g.linear(block + ".k", n, size / 2), 32, 10_000);
      Value v = g.linear(block + ".v", n, size / 2);
      Value a = g.attention(block + ".attention", 4, true, 0, q, k, v);
      x = g.add(x, g.linearWithoutBias(block + ".o", a, size));
      Value m = g.rmsNorm(block + ".norm2", x, 1e-5);
      Value gate = g.activation(Activation.Kind.SILU, g.linear(block + ".gate", m, 2 * size));
      Value wide = g.multiply(gate, g.linear(block + ".up", m, 2 * size));
      x = g.add(x, g.linear(block + ".down", wide, size));
    }
    Value last = g.rmsNorm("norm", x, 1e-5);
    return g.output("output", g.apply("head", new LayerOp.Linear("words.weight", null), last))
        .build();
  }

  private static int[] ids(long seed, int count) {
    return new SplittableRandom(seed).ints(count, 0, VOCABULARY).toArray();
  }

  private Decoder decoder(Precision precision) {
    return backend.decoder(GRAPH, WEIGHTS, precision);
  }

  /** The logits after each token of a sequence from the second on, read one by one. */
  private List<float[]> oneByOne(Precision precision, int[] sequence) {
    return oneByOne(decoder(precision), sequence);
  }

  private static List<float[]> oneByOne(Decoder closed, int[] sequence) {
    List<float[]> logits = new ArrayList<>();
    try (Decoder decoder = closed) {
      decoder.begin(List.of(Arrays.copyOf(sequence, 1)), sequence.length, Map.of());
      for (int i = 1; i < sequence.length; i++) {
        logits.add(decoder.next(new int[] {sequence[i]}).floats());
      }
    }
    return logits;
  }

  private static int largest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
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

  private static List<QuantizedProduct> products(QuantizedProduct product) {
    return product == QuantizedProduct.GROUPED
        ? List.of(product, QuantizedProduct.PLAIN)
        : List.of(product);
  }

  /** A decoder in a few bits with a product that need not be that of this machine. */
  private static Decoder rounded(QuantizedProduct product) {
    DecoderGraph decoded = DecoderGraph.of(GRAPH.forPrediction());
    NativeCalls calls = new NativeCalls();
    return calls.run(
        () -> {
          NativeScope scope = new NativeScope(calls, ComputeDevice.processor());
          return new DecoderSession(
              decoded,
              new ThreadChoice(decoded.graph(), 1, 1),
              calls,
              scope,
              DecoderWeights.rounded(scope, decoded, WEIGHTS, products(product)));
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = QuantizedProduct.class,
      names = {"PRECISE", "PLAIN"})
  void eightBitsGiveNearlyTheSameLogitsAndMostlyTheSameToken(QuantizedProduct product) {
    int[] sequence = ids(1, 120);
    List<float[]> exact = oneByOne(Precision.F32, sequence);
    List<float[]> rounded = oneByOne(rounded(product), sequence);
    int same = 0;
    for (int i = 0; i < exact.size(); i++) {
      assertThat(error(exact.get(i), rounded.get(i))).isBetween(1e-4, 0.04);
      same += largest(exact.get(i)) == largest(rounded.get(i)) ? 1 : 0;
    }
    assertThat(same).isGreaterThanOrEqualTo(exact.size() * 9 / 10);
  }

  @Test
  void fourBitsGiveSimilarLogitsAndMostlyTheSameToken() {
    int[] sequence = ids(1, 120);
    List<float[]> exact = oneByOne(Precision.F32, sequence);
    List<float[]> rounded = oneByOne(rounded(QuantizedProduct.GROUPED), sequence);
    int same = 0;
    for (int i = 0; i < exact.size(); i++) {
      assertThat(error(exact.get(i), rounded.get(i))).isBetween(0.02, 0.15);
      same += largest(exact.get(i)) == largest(rounded.get(i)) ? 1 : 0;
    }
    assertThat(same).isGreaterThanOrEqualTo(exact.size() * 9 / 10);
  }

  @Test
  void twoWholeNumbersKeepActivationsAsPreciseAsTheWeightsAllow() {
    int[] sequence = ids(1, 40);
    List<float[]> precise = oneByOne(rounded(QuantizedProduct.PRECISE), sequence);
    List<float[]> plain = oneByOne(rounded(QuantizedProduct.PLAIN), sequence);
    for (int i = 0; i < precise.size(); i++) {
      assertThat(error(plain.get(i), precise.get(i))).isLessThan(0.02);
    }
  }

  @ParameterizedTest
  @EnumSource(QuantizedProduct.class)
  void promptsInFewBitsGiveWhatTheirTokensGiveOneByOne(QuantizedProduct product) {
    int[] sequence = ids(2, 40);
    List<float[]> each = oneByOne(rounded(product), sequence);
    try (Decoder decoder = rounded(product)) {
      for (int length : new int[] {5, 16, 17, 40}) {
        int[] prompt = Arrays.copyOf(sequence, length);
        float[] whole = decoder.begin(List.of(prompt), 40, Map.of()).floats();
        assertThat(error(each.get(length - 2), whole)).as("%d tokens", length).isLessThan(0.02);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(QuantizedProduct.class)
  void rowsInFewBitsAreWhatTheyAreAlone(QuantizedProduct product) {
    List<int[]> rows = List.of(ids(3, 9), ids(4, 2), ids(5, 30));
    try (Decoder decoder = rounded(product);
        Decoder alone = rounded(product)) {
      decoder.begin(rows, 40, Map.of());
      float[] together = decoder.next(new int[] {1, 2, 3}).floats();
      for (int row = 0; row < rows.size(); row++) {
        alone.begin(List.of(rows.get(row)), 40, Map.of());
        float[] expected = alone.next(new int[] {row + 1}).floats();
        float[] actual = Arrays.copyOfRange(together, row * VOCABULARY, (row + 1) * VOCABULARY);
        assertThat(error(expected, actual)).as("row %d", row).isLessThan(0.02);
      }
    }
  }

  @Test
  void otherPrecisionsAreRefusedWithAReason() {
    assertThat(backend.checkDecoder(GRAPH, Precision.INT8)).isInstanceOf(Support.Supported.class);
    for (Precision precision : List.of(Precision.INT4, Precision.BF16)) {
      assertThat(backend.checkDecoder(GRAPH, precision) instanceof Support.Supported)
          .as("%s", precision)
          .isEqualTo(backend.capabilities().contains(Capability.valueOf(precision.name())));
    }
    assertThatThrownBy(() -> decoder(Precision.F16))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("F16");
  }

  @Test
  void decodersOnTwoThreadsDoNotDisturbEachOther() {
    int[] sequence = ids(6, 60);
    List<float[]> expected = oneByOne(Precision.F32, sequence);
    CompletableFuture<List<float[]>> other =
        CompletableFuture.supplyAsync(() -> oneByOne(Precision.F32, sequence));
    List<float[]> here = oneByOne(Precision.F32, sequence);
    List<float[]> there = other.join();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(here.get(i)).isEqualTo(expected.get(i));
      assertThat(there.get(i)).isEqualTo(expected.get(i));
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void manyAnswersKeepTheMemoryFlat() throws Exception {
    assertThat(MemoryGrowth.of(Answers.class)).isLessThan(MemoryGrowth.FLAT);
  }

  /** What the child runs. */
  static final class Answers {
    private Answers() {}

    public static void main(String[] arguments) {
      try (Backend backend =
              new DjlBackendProvider().open(BackendOptions.defaults().withThreads(1));
          Decoder decoder = backend.decoder(GRAPH, WEIGHTS, Precision.INT8)) {
        MemoryGrowth.rounds(() -> answer(decoder, 60));
      }
    }
  }

  private static void answer(Decoder decoder, int times) {
    for (int i = 0; i < times; i++) {
      int rows = 1 + i % 3;
      List<int[]> prompts = new ArrayList<>();
      for (int row = 0; row < rows; row++) {
        prompts.add(ids(i + row, 1 + (i + 7 * row) % 40));
      }
      decoder.begin(prompts, 60, Map.of());
      decoder.next(new int[rows]);
      decoder.keep(new int[] {rows - 1});
      for (int step = 0; step < 3; step++) {
        Tensor logits = decoder.next(new int[] {step});
        assertThat(logits.size(0)).isEqualTo(1);
      }
    }
  }
}
