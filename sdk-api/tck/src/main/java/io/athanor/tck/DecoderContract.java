package io.athanor.tck;

import static io.athanor.tck.Agreement.assertAgree;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.error.GraphException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.tck.fixture.TinyGraphs;
import io.athanor.tck.fixture.TinyLanguageModels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** A decoder gives, token by token, the logits that the whole sequence gives at once. */
interface DecoderContract extends BackendUnderTest {
  /** Largest difference of logits, as a share of the largest. */
  double TOLERANCE = 1e-4;

  private Decoder decoder(Graph graph) {
    return backend().decoder(graph, weights(graph), Precision.F32);
  }

  private static Weights weights(Graph graph) {
    return Weights.initialize(graph, 3);
  }

  private static int[] ids(long seed, int count) {
    return new SplittableRandom(seed).ints(count, 0, TinyLanguageModels.VOCABULARY).toArray();
  }

  private static Tensor adapter(long... choices) {
    return Tensor.ofLongs(choices, choices.length);
  }

  private static Stream<DynamicTest> each(List<Graph> graphs, CheckedTest test) {
    assertThat(graphs).hasSizeGreaterThanOrEqualTo(5);
    return graphs.stream()
        .map(graph -> DynamicTest.dynamicTest(graph.name(), () -> test.run(graph)));
  }

  /** A test of one graph. */
  interface CheckedTest {
    void run(Graph graph);
  }

  /** Fails unless row {@code row} of some logits is what the whole sequence gives at its end. */
  private void assertRow(Graph graph, int[] sequence, long adapter, Tensor logits, int row) {
    Map<String, Tensor> inputs = new HashMap<>();
    long[] longs = Arrays.stream(sequence).asLongStream().toArray();
    inputs.put(LanguageEncoding.TOKENS, Tensor.ofLongs(longs, 1, longs.length));
    inputs.put("adapter", adapter(adapter));
    try (CompiledModel model = backend().compile(graph, weights(graph), Precision.F32)) {
      Tensor all = Weights.of(model.predict(inputs)).tensor("output");
      float[] expected = lastRow(all.floats(), sequence.length - 1);
      float[] actual = lastRow(logits.floats(), row);
      assertAgree(
          graph.name() + " after " + Arrays.toString(sequence),
          Tensor.ofFloats(expected, expected.length),
          Tensor.ofFloats(actual, actual.length),
          TOLERANCE);
    }
  }

  private static float[] lastRow(float[] all, int row) {
    int size = TinyLanguageModels.VOCABULARY;
    return Arrays.copyOfRange(all, row * size, (row + 1) * size);
  }

  @TestFactory
  default Stream<DynamicTest> tokensOneByOneGiveWhatTheWholeSequenceGives() {
    assumeClaims(Capability.DECODE);
    return each(
        TinyLanguageModels.all(),
        graph -> {
          int[] sequence = ids(1, 9);
          for (int prompt : new int[] {1, 4}) {
            try (Decoder decoder = decoder(graph)) {
              Tensor logits = decoder.begin(List.of(Arrays.copyOf(sequence, prompt)), 9, Map.of());
              for (int read = prompt; ; read++) {
                assertThat(logits.shape()).containsExactly(1, TinyLanguageModels.VOCABULARY);
                assertRow(graph, Arrays.copyOf(sequence, read), 0, logits, 0);
                if (read == sequence.length) {
                  break;
                }
                logits = decoder.next(new int[] {sequence[read]});
              }
            }
          }
        });
  }

  @TestFactory
  default Stream<DynamicTest> rowsOfDifferentLengthDoNotAffectEachOther() {
    assumeClaims(Capability.DECODE);
    return each(
        TinyLanguageModels.all(),
        graph -> {
          List<int[]> rows = new ArrayList<>(List.of(ids(1, 5), ids(2, 1), ids(3, 3)));
          try (Decoder decoder = decoder(graph)) {
            Tensor logits = decoder.begin(rows, 9, Map.of());
            for (int step = 0; ; step++) {
              for (int row = 0; row < rows.size(); row++) {
                assertRow(graph, rows.get(row), 0, logits, row);
              }
              if (step == 4) {
                break;
              }
              logits = decoder.next(extend(rows, step));
            }
          }
        });
  }

  /** Appends a token to each row. */
  private static int[] extend(List<int[]> rows, long seed) {
    int[] tokens = ids(100 + seed, rows.size());
    for (int row = 0; row < tokens.length; row++) {
      int[] longer = Arrays.copyOf(rows.get(row), rows.get(row).length + 1);
      longer[longer.length - 1] = tokens[row];
      rows.set(row, longer);
    }
    return tokens;
  }

  @TestFactory
  default Stream<DynamicTest> rowsCanBeDroppedReorderedAndRepeated() {
    assumeClaims(Capability.DECODE);
    return each(
        TinyLanguageModels.all(),
        graph -> {
          List<int[]> rows = new ArrayList<>(List.of(ids(1, 2), ids(2, 5), ids(3, 1)));
          try (Decoder decoder = decoder(graph)) {
            decoder.begin(rows, 9, Map.of());
            for (int[] kept : new int[][] {{2, 0, 2}, {0, 1, 2}, {2, 1}, {1}}) {
              decoder.keep(kept);
              List<int[]> before = List.copyOf(rows);
              rows.clear();
              Arrays.stream(kept).forEach(row -> rows.add(before.get(row)));
              Tensor logits = decoder.next(extend(rows, kept.length));
              for (int row = 0; row < rows.size(); row++) {
                assertRow(graph, rows.get(row), 0, logits, row);
              }
            }
          }
        });
  }

  @Test
  default void eachRowGoesThroughItsOwnAdapter() {
    assumeClaims(Capability.DECODE);
    Graph graph = TinyLanguageModels.adapters();
    List<int[]> rows = new ArrayList<>(List.of(ids(1, 3), ids(1, 3), ids(2, 2)));
    try (Decoder decoder = decoder(graph)) {
      Tensor first = decoder.begin(rows, 9, Map.of("adapter", adapter(2, 0, 1)));
      assertThat(lastRow(first.floats(), 0)).isNotEqualTo(lastRow(first.floats(), 1));
      assertRow(graph, rows.get(0), 2, first, 0);
      assertRow(graph, rows.get(1), 0, first, 1);
      assertRow(graph, rows.get(2), 1, first, 2);
      decoder.keep(new int[] {2, 0});
      rows = new ArrayList<>(List.of(rows.get(2), rows.get(0)));
      Tensor second = decoder.next(extend(rows, 1));
      assertRow(graph, rows.get(0), 1, second, 0);
      assertRow(graph, rows.get(1), 2, second, 1);
    }
  }

  @Test
  default void adapterIsReplacedWhileTheOthersAndTheWeightsStay() {
    assumeClaims(Capability.DECODE);
    Graph graph = TinyLanguageModels.adapters();
    Weights weights = weights(graph);
    List<int[]> rows = List.of(ids(1, 3), ids(1, 3));
    try (Decoder decoder = backend().decoder(graph, weights, Precision.F32)) {
      // The second adapter becomes the third.
      decoder.replaceAdapter(
          1, Map.of("q.a", entry(weights, "q.a", 2), "q.b", entry(weights, "q.b", 2)));
      Tensor replaced = decoder.begin(rows, 9, Map.of("adapter", adapter(1, 0)));
      assertRow(graph, rows.get(0), 2, replaced, 0);
      assertRow(graph, rows.get(1), 0, replaced, 1);
      // Without entries it adds nothing.
      decoder.replaceAdapter(1, Map.of());
      decoder.replaceAdapter(2, Map.of("q.a", entry(weights, "q.a", 0)));
      Tensor none = decoder.begin(rows, 9, Map.of("adapter", adapter(1, 2)));
      assertThat(lastRow(none.floats(), 0)).isEqualTo(lastRow(none.floats(), 1));
      assertThat(lastRow(none.floats(), 0)).isNotEqualTo(lastRow(replaced.floats(), 1));
      Tensor others = decoder.begin(rows, 9, Map.of("adapter", adapter(0, 0)));
      assertRow(graph, rows.get(0), 0, others, 0);
    }
    assertThat(weights.digest()).isEqualTo(weights(graph).digest());
  }

  private static Tensor entry(Weights weights, String stack, int adapter) {
    Tensor all = weights.tensor(stack);
    int size = Math.toIntExact(all.elements() / all.size(0));
    float[] values = Arrays.copyOfRange(all.floats(), adapter * size, (adapter + 1) * size);
    return Tensor.ofFloats(values, all.size(1), all.size(2));
  }

  @Test
  default void adapterThatDoesNotFitIsRefusedAndNothingIsWritten() {
    assumeClaims(Capability.DECODE);
    Graph graph = TinyLanguageModels.adapters();
    Weights weights = weights(graph);
    Tensor a = entry(weights, "q.a", 0);
    try (Decoder decoder = decoder(graph)) {
      refusedAdapter(() -> decoder.replaceAdapter(-1, Map.of()), "of 0 to 2, got -1");
      refusedAdapter(() -> decoder.replaceAdapter(3, Map.of("q.a", a)), "of 0 to 2, got 3");
      refusedAdapter(() -> decoder.replaceAdapter(1, Map.of("k.weight", a)), "'k.weight'");
      refusedAdapter(() -> decoder.replaceAdapter(1, Map.of("q.a", a, "q.b", a)), "'q.b'");
      List<int[]> rows = List.of(ids(1, 3));
      assertRow(graph, rows.get(0), 1, decoder.begin(rows, 9, Map.of("adapter", adapter(1))), 0);
    }
    try (Decoder decoder = decoder(TinyLanguageModels.groupedKeys())) {
      refusedAdapter(() -> decoder.replaceAdapter(0, Map.of()), "no AdapterLinear");
    }
  }

  private static void refusedAdapter(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(GraphException.class).hasMessageContaining(message);
  }

  @Test
  default void beginForgetsWhatWasReadBefore() {
    assumeClaims(Capability.DECODE);
    Graph graph = TinyLanguageModels.groupedKeys();
    try (Decoder decoder = decoder(graph)) {
      for (int rows = 3; rows > 0; rows--) {
        List<int[]> prompts = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
          prompts.add(ids(10L * rows + row, row + 1));
        }
        decoder.begin(prompts, 6, Map.of());
        Tensor logits = decoder.next(extend(prompts, rows));
        for (int row = 0; row < rows; row++) {
          assertRow(graph, prompts.get(row), 0, logits, row);
        }
      }
    }
  }

  @Test
  default void tokensThatDoNotFitAreRefusedAndDoNoHarm() {
    assumeClaims(Capability.DECODE);
    Graph graph = TinyLanguageModels.groupedKeys();
    int[] prompt = ids(1, 3);
    try (Decoder decoder = decoder(graph)) {
      assertThatThrownBy(() -> decoder.next(new int[] {1}))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> decoder.keep(new int[] {0}))
          .isInstanceOf(IllegalStateException.class);
      decoder.begin(List.of(prompt), 4, Map.of());
      for (int id : new int[] {-1, TinyLanguageModels.VOCABULARY, Integer.MAX_VALUE}) {
        refused(() -> decoder.begin(List.of(new int[] {1, id}), 4, Map.of()), "" + id);
        refused(() -> decoder.next(new int[] {id}), "" + id);
      }
      refused(() -> decoder.begin(List.of(), 4, Map.of()), "at least one");
      refused(() -> decoder.begin(List.of(new int[0]), 4, Map.of()), "got 0");
      refused(() -> decoder.begin(List.of(prompt), 2, Map.of()), "2");
      refused(() -> decoder.next(new int[] {1, 2}), "got 2");
      for (int[] rows : new int[][] {{}, {1}, {-1}, {0, 5}}) {
        assertThatThrownBy(() -> decoder.keep(rows))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("rows");
      }
      Tensor logits = decoder.next(new int[] {7});
      assertRow(graph, new int[] {prompt[0], prompt[1], prompt[2], 7}, 0, logits, 0);
      refused(() -> decoder.next(new int[] {7}), "capacity");
    }
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("'" + LanguageEncoding.TOKENS + "'")
        .hasMessageContaining(message);
  }

  @Test
  default void shorterRowsHaveTheWholeCapacityOnceLongerOnesAreDropped() {
    assumeClaims(Capability.DECODE);
    Graph graph = TinyLanguageModels.groupedKeys();
    List<int[]> rows = new ArrayList<>(List.of(ids(1, 4), ids(2, 1)));
    try (Decoder decoder = decoder(graph)) {
      decoder.begin(rows, 5, Map.of());
      decoder.next(extend(rows, 1));
      refused(() -> decoder.next(new int[] {1, 1}), "capacity");
      decoder.keep(new int[] {1});
      rows.remove(0);
      for (int i = 0; i < 3; i++) {
        Tensor logits = decoder.next(extend(rows, i));
        assertRow(graph, rows.get(0), 0, logits, 0);
      }
      assertThat(rows.get(0)).hasSize(5);
      refused(() -> decoder.next(new int[] {1}), "capacity");
    }
  }

  @Test
  default void capacityBeyondTheTableOfPositionsIsRefused() {
    assumeClaims(Capability.DECODE);
    Graph graph = TinyLanguageModels.learnedPositions();
    List<int[]> prompts = List.of(ids(1, 2));
    try (Decoder decoder = decoder(graph)) {
      assertThatThrownBy(() -> decoder.begin(prompts, TinyLanguageModels.POSITIONS + 1, Map.of()))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("'positions'")
          .hasMessageContaining("12")
          .hasMessageContaining("13");
      decoder.begin(prompts, TinyLanguageModels.POSITIONS, Map.of());
    }
  }

  @Test
  default void inputsForEachRowMustFit() {
    assumeClaims(Capability.DECODE);
    Graph graph = TinyLanguageModels.adapters();
    List<int[]> prompts = List.of(ids(1, 2), ids(2, 3));
    List<Map<String, Tensor>> misfits =
        List.of(
            Map.of(),
            Map.of("adapter", adapter(1)),
            Map.of("adapter", Tensor.ofFloats(new float[2], 2)),
            Map.of("adapter", Tensor.ofLongs(new long[2], 2, 1)),
            Map.of("adapter", adapter(0, TinyLanguageModels.ADAPTERS)),
            Map.of("adapter", adapter(-1, 0)));
    try (Decoder decoder = decoder(graph)) {
      for (Map<String, Tensor> misfit : misfits) {
        assertThatThrownBy(() -> decoder.begin(prompts, 4, misfit))
            .as("row inputs %s", misfit)
            .isInstanceOf(GraphException.class)
            .hasMessageContaining("'adapter'");
      }
    }
  }

  @Test
  default void closedDecoderRefusesToRead() {
    assumeClaims(Capability.DECODE);
    Decoder decoder = decoder(TinyLanguageModels.groupedKeys());
    decoder.begin(List.of(new int[] {1}), 3, Map.of());
    decoder.close();
    decoder.close();
    assertThatThrownBy(() -> decoder.next(new int[] {1})).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> decoder.begin(List.of(new int[] {1}), 3, Map.of()))
        .isInstanceOf(IllegalStateException.class);
  }

  @TestFactory
  default Stream<DynamicTest> graphsInWhichLaterTokensMatterAreRefused() {
    List<Graph> graphs =
        List.of(
            TinyGraphs.mlp(),
            TinyGraphs.textEncoder(0),
            undecodable("tiny-two-way", false, false),
            undecodable("tiny-mean", true, true),
            extraInput());
    return each(
        graphs,
        graph -> {
          Support support = backend().checkDecoder(graph, Precision.F32);
          assertThat(support).isInstanceOf(Support.Unsupported.class);
          assertThat(((Support.Unsupported) support).reason()).isNotBlank();
          assertThatThrownBy(() -> decoder(graph)).isInstanceOf(UnsupportedException.class);
        });
  }

  private static Graph undecodable(String name, boolean causal, boolean pooled) {
    GraphBuilder g = Graph.builder(name);
    Value tokens = g.input(LanguageEncoding.TOKENS, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", tokens, 5, 4, 0.5);
    Value a = g.attention("attention", 2, causal, 0, x, x, x);
    if (pooled) {
      Value mean = g.sequencePool(SequencePool.Kind.MEAN, a);
      a = g.add(a, g.reshape(mean, 1, 4));
    }
    return g.output("output", a).build();
  }

  private static Graph extraInput() {
    GraphBuilder g = Graph.builder("tiny-with-mask");
    Value tokens = g.input(LanguageEncoding.TOKENS, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value mask = g.input("mask", TensorType.f32(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", tokens, 5, 4, 0.5);
    return g.output("output", g.attention("attention", 2, true, 0, x, x, x, mask)).build();
  }

  @TestFactory
  default Stream<DynamicTest> matricesOfFewBitsGiveSimilarLogitsOrAreRefused() {
    return Stream.of(
        DynamicTest.dynamicTest("INT8", () -> similarOrRefused(Precision.INT8, 0.03)),
        DynamicTest.dynamicTest("INT4", () -> similarOrRefused(Precision.INT4, 0.2)));
  }

  private void similarOrRefused(Precision precision, double tolerance) {
    Graph graph = wide();
    if (!backend().capabilities().contains(Capability.valueOf(precision.name()))) {
      assertThat(backend().checkDecoder(graph, precision)).isInstanceOf(Support.Unsupported.class);
      assertThatThrownBy(() -> backend().decoder(graph, weights(graph), precision))
          .isInstanceOf(UnsupportedException.class);
      return;
    }
    int[] sequence = ids(5, 20);
    List<int[]> prompt = List.of(Arrays.copyOf(sequence, 3));
    try (Decoder exact = decoder(graph);
        Decoder rounded = backend().decoder(graph, weights(graph), precision)) {
      Tensor expected = exact.begin(prompt, 20, Map.of());
      Tensor actual = rounded.begin(prompt, 20, Map.of());
      assertAgree("prompt", expected, actual, tolerance);
      for (int i = 3; i < sequence.length; i++) {
        int[] next = {sequence[i]};
        assertAgree("token " + i, exact.next(next), rounded.next(next), tolerance);
      }
    }
  }

  /** A block with matrices of some thousands of weights. */
  private static Graph wide() {
    int size = 128;
    GraphBuilder g = Graph.builder("wide");
    Value tokens = g.input(LanguageEncoding.TOKENS, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", tokens, TinyLanguageModels.VOCABULARY, size, 1);
    Value n = g.rmsNorm("norm1", x, 1e-5);
    Value q = g.linear("q", n, size);
    Value a =
        g.attention("attention", 4, true, 0, q, g.linear("k", n, size), g.linear("v", n, size));
    x = g.add(x, g.linear("o", a, size));
    Value up = g.activation(Activation.Kind.SILU, g.linear("up", g.rmsNorm("norm2", x, 1e-5), 256));
    x = g.rmsNorm("norm3", g.add(x, g.linear("down", up, size)), 1e-5);
    return g.output("output", g.linear("head", x, TinyLanguageModels.VOCABULARY)).build();
  }

  @Test
  default void backendsWithoutTheClaimSayThatTheyDoNotDecode() {
    Graph graph = TinyLanguageModels.groupedKeys();
    boolean claims = backend().capabilities().contains(Capability.DECODE);
    assertThat(backend().checkDecoder(graph, Precision.F32))
        .isInstanceOf(claims ? Support.Supported.class : Support.Unsupported.class);
  }
}
