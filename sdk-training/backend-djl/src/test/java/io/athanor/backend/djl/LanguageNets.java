package io.athanor.backend.djl;

import io.athanor.api.backend.MicroBatch;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A decoder in the style of Llama, and tokens for it.
 *
 * @param vocabulary number of tokens
 * @param size of a hidden vector
 * @param layers of attention and feed-forward
 * @param heads of queries
 * @param keyHeads of keys and values
 * @param inner size of the feed-forward layer
 * @param dropout after each half of a layer, and of attention
 * @param rank of low-rank paths beside q, k, v and o, whose base is then frozen; 0 for none
 */
record LanguageNets(
    int vocabulary,
    int size,
    int layers,
    int heads,
    int keyHeads,
    int inner,
    double dropout,
    int rank) {

  static LanguageNets small() {
    return new LanguageNets(61, 24, 3, 4, 2, 40, 0, 0);
  }

  LanguageNets withRank(int value) {
    return new LanguageNets(vocabulary, size, layers, heads, keyHeads, inner, dropout, value);
  }

  LanguageNets withDropout(double value) {
    return new LanguageNets(vocabulary, size, layers, heads, keyHeads, inner, value, rank);
  }

  LanguageNets withLayers(int value) {
    return new LanguageNets(vocabulary, size, value, heads, keyHeads, inner, dropout, rank);
  }

  /** With embedding and head tied. */
  Graph graph() {
    return graph(0, false);
  }

  /**
   * @param cap of the logits, 0 for none
   * @param separate whether the head has weights of its own, with a bias
   */
  Graph graph(double cap, boolean separate) {
    GraphBuilder b = Graph.builder("language");
    Value tokens = b.input("tokens", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value target = b.target("target", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = b.embedding("embed", tokens, vocabulary, size, 0.5);
    for (int i = 0; i < layers; i++) {
      x = layer(b, "layer" + i, x);
    }
    x = b.rmsNorm("norm", x, 1e-5);
    Value logits =
        separate
            ? b.linear("head", x, vocabulary)
            : b.apply("head", new LayerOp.Linear("embed.weight", null), x);
    if (cap > 0) {
      Value bent = b.activation(Activation.Kind.TANH, b.scale(logits, 1 / cap));
      logits = b.scale(bent, cap);
    }
    b.output("output", logits).loss(b.crossEntropy(logits, target));
    return rank == 0 ? b.build() : b.build().freeze(name -> !name.contains("lora"));
  }

  private Value layer(GraphBuilder b, String layer, Value x) {
    int headSize = size / heads;
    Value n = b.rmsNorm(layer + ".norm1", x, 1e-5);
    Value q = b.rope(linear(b, layer + ".q", n, size), headSize, 10000);
    Value k = b.rope(linear(b, layer + ".k", n, keyHeads * headSize), headSize, 10000);
    Value v = linear(b, layer + ".v", n, keyHeads * headSize);
    Value a = b.attention(layer + ".attention", heads, true, dropout, q, k, v);
    Value y = b.add(x, b.dropout(linear(b, layer + ".o", a, size), dropout));
    n = b.rmsNorm(layer + ".norm2", y, 1e-5);
    Value gate = b.activation(Activation.Kind.SILU, b.linearWithoutBias(layer + ".gate", n, inner));
    Value up = b.multiply(gate, b.linearWithoutBias(layer + ".up", n, inner));
    return b.add(y, b.dropout(b.linearWithoutBias(layer + ".down", up, size), dropout));
  }

  private Value linear(GraphBuilder b, String layer, Value x, long out) {
    Value y = b.linearWithoutBias(layer, x, out);
    if (rank == 0) {
      return y;
    }
    long in = x.shape().dim(-1).offset();
    Initializer first = new Initializer.Normal(0.1);
    String a = b.parameter(layer + ".lora_a", first, rank, in);
    String up = b.parameter(layer + ".lora_b", first, out, rank);
    Value low = b.apply(layer + ".low", new LayerOp.Linear(a, null), x);
    return b.add(y, b.scale(b.apply(layer + ".path", new LayerOp.Linear(up, null), low), 2));
  }

  /** Random tokens, of which a share is not scored. */
  MicroBatch batch(long seed, int rows, int length, double ignored) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] tokens = new long[rows * length];
    long[] targets = new long[rows * length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = random.nextInt(vocabulary);
      boolean scored = i == 0 || random.nextDouble() >= ignored;
      targets[i] = scored ? random.nextInt(vocabulary) : LossOp.IGNORED;
    }
    return new MicroBatch(
        Map.of(
            "tokens", Tensor.ofLongs(tokens, rows, length),
            "target", Tensor.ofLongs(targets, rows, length)),
        rows);
  }
}
