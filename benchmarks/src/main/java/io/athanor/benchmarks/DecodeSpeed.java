package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Tokens in a second of a language model of the shape of SmolLM2-135M with random weights: one row,
 * a prompt of 64 tokens, the likeliest token each time. Prints a Markdown table, with the load of
 * the machine, as other work takes memory bandwidth away. Arguments: new tokens, rounds, threads.
 */
public final class DecodeSpeed {
  private static final int VOCABULARY = 49_152;
  private static final int SIZE = 576;
  private static final int HEADS = 9;
  private static final int KEY_HEADS = 3;
  private static final int WIDE = 1536;
  private static final int LAYERS = 30;
  private static final int PROMPT = 64;

  private DecodeSpeed() {}

  /** Runs all precisions and thread counts in turn. */
  public static void main(String[] arguments) {
    int tokens = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 128;
    int rounds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 5;
    String threads = arguments.length > 2 ? arguments[2] : "1,2";
    Graph graph = graph();
    Weights weights = Weights.initialize(graph, 1);
    System.out.println(
        "| precision, threads | prompt, tokens/s | decoding, tokens/s: median, best"
            + " | median token, ms | load |");
    System.out.println("|---|---|---|---|---|");
    for (String count : threads.split(",")) {
      BackendOptions options = BackendOptions.defaults().withThreads(Integer.parseInt(count));
      try (Backend backend = Backends.installed().only().open(options)) {
        for (Precision precision : List.of(Precision.F32, Precision.INT8)) {
          try (Decoder decoder = backend.decoder(graph, weights, precision)) {
            measure(decoder, precision + ", " + count, tokens, rounds);
          }
        }
      }
    }
  }

  private static void measure(Decoder decoder, String name, int tokens, int rounds) {
    int[] prompt = new SplittableRandom(1).ints(PROMPT, 0, VOCABULARY).toArray();
    double[] reading = new double[rounds];
    double[] decoding = new double[rounds];
    double[] each = new double[rounds * tokens];
    for (int round = -1; round < rounds; round++) {
      long start = System.nanoTime();
      Tensor logits = decoder.begin(List.of(prompt), PROMPT + tokens, Map.of());
      long read = System.nanoTime();
      long before = read;
      for (int i = 0; i < tokens; i++) {
        logits = decoder.next(new int[] {likeliest(logits)});
        long now = System.nanoTime();
        if (round >= 0) {
          each[round * tokens + i] = (now - before) / 1e6;
        }
        before = now;
      }
      if (round >= 0) {
        reading[round] = PROMPT * 1e9 / (read - start);
        decoding[round] = tokens * 1e9 / (before - read);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "| %s | %.0f | %.1f, %.1f | %.1f | %.1f |%n",
        name,
        Quantiles.of(reading, 0.5),
        Quantiles.of(decoding, 0.5),
        Quantiles.of(decoding, 1),
        Quantiles.of(each, 0.5),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
  }

  private static int likeliest(Tensor logits) {
    FloatBuffer values = logits.floatBuffer();
    int best = 0;
    for (int i = 1; i < VOCABULARY; i++) {
      best = values.get(i) > values.get(best) ? i : best;
    }
    return best;
  }

  private static Graph graph() {
    GraphBuilder g = Graph.builder("smollm2-135m");
    Value tokens = g.input("tokens", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", tokens, VOCABULARY, SIZE, 0.02);
    for (int i = 0; i < LAYERS; i++) {
      x = block(g, "layer" + i, x);
    }
    Value last = g.rmsNorm("norm", x, 1e-5);
    return g.output("output", g.apply("head", new LayerOp.Linear("words.weight", null), last))
        .build();
  }

  private static Value block(GraphBuilder g, String layer, Value x) {
    int size = SIZE / HEADS;
    Value n = g.rmsNorm(layer + ".norm1", x, 1e-5);
    Value q = g.rope(g.linearWithoutBias(layer + ".q", n, SIZE), size, 100_000);
    Value k = g.rope(g.linearWithoutBias(layer + ".k", n, (long) KEY_HEADS * size), size, 100_000);
    Value v = g.linearWithoutBias(layer + ".v", n, (long) KEY_HEADS * size);
    Value a = g.attention(layer + ".attention", HEADS, true, 0, q, k, v);
    Value h = g.add(x, g.linearWithoutBias(layer + ".o", a, SIZE));
    Value m = g.rmsNorm(layer + ".norm2", h, 1e-5);
    Value gate = g.activation(Activation.Kind.SILU, g.linearWithoutBias(layer + ".gate", m, WIDE));
    Value wide = g.multiply(gate, g.linearWithoutBias(layer + ".up", m, WIDE));
    return g.add(h, g.linearWithoutBias(layer + ".down", wide, SIZE));
  }
}
