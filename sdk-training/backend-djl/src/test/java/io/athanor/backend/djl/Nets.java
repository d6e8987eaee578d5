package io.athanor.backend.djl;

import io.athanor.api.backend.MicroBatch;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.ShapeOp.Pool2d;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import java.util.Map;
import java.util.SplittableRandom;

/** Small networks and data that they can learn. */
final class Nets {
  private Nets() {}

  static Graph mlp(int in, int hidden, int classes, double dropout) {
    GraphBuilder b = Graph.builder("mlp");
    Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(in)));
    Value y = b.target("y", TensorType.i64(Dim.BATCH));
    Value h = b.dropout(b.relu(b.linear("first", x, hidden)), dropout);
    h = b.dropout(b.relu(b.linear("second", h, hidden)), dropout);
    Value logits = b.linear("last", h, classes);
    return b.output("logits", logits).loss(b.crossEntropy(logits, y)).build();
  }

  static Graph cnn(int side, int channels, int classes) {
    GraphBuilder b = Graph.builder("cnn");
    Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(1), Dim.of(side), Dim.of(side)));
    Value y = b.target("y", TensorType.i64(Dim.BATCH));
    Value h = b.relu(b.batchNorm("norm", b.conv2d("conv1", x, channels, 3, 1, 1)));
    h = b.pool2d(Pool2d.Kind.MAX, h, 2);
    h = b.relu(b.conv2d("conv2", h, channels, 3, 1, 1));
    Value logits = b.linear("last", b.flatten(b.pool2d(Pool2d.Kind.MEAN, h, 2)), classes);
    return b.output("logits", logits).loss(b.crossEntropy(logits, y)).build();
  }

  static Graph lstm(int in, int hidden, int classes) {
    GraphBuilder b = Graph.builder("lstm");
    Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(in)));
    Value y = b.target("y", TensorType.i64(Dim.BATCH));
    Value h = b.sequencePool(SequencePool.Kind.LAST, b.lstm("lstm", x, hidden));
    Value logits = b.linear("last", h, classes);
    return b.output("logits", logits).loss(b.crossEntropy(logits, y)).build();
  }

  static Graph encoder(
      int vocabulary, int size, int heads, int layers, int classes, double dropout) {
    GraphBuilder b = Graph.builder("encoder");
    Value ids = b.input("ids", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value mask = b.input("mask", TensorType.f32(Dim.BATCH, Dim.SEQUENCE));
    Value y = b.target("y", TensorType.i64(Dim.BATCH));
    Value x =
        b.add(
            b.embedding("words", ids, vocabulary, size, 0.1),
            b.embedding("positions", b.positionIds(ids), 128, size, 0.1));
    for (int i = 0; i < layers; i++) {
      String layer = "layer" + i;
      Value n = b.layerNorm(layer + ".norm1", x, 1e-5);
      Value a =
          b.attention(
              layer + ".attention",
              heads,
              false,
              dropout,
              b.linear(layer + ".q", n, size),
              b.linear(layer + ".k", n, size),
              b.linear(layer + ".v", n, size),
              mask);
      x = b.add(x, b.dropout(b.linear(layer + ".o", a, size), dropout));
      n = b.layerNorm(layer + ".norm2", x, 1e-5);
      x = b.add(x, b.linear(layer + ".down", b.gelu(b.linear(layer + ".up", n, 4 * size)), size));
    }
    Value pooled = b.sequencePool(SequencePool.Kind.MEAN, x, mask);
    Value logits = b.linear("last", pooled, classes);
    return b.output("logits", logits).loss(b.crossEntropy(logits, y)).build();
  }

  /** Gaussian points around one centre for each class. */
  static MicroBatch points(long seed, int rows, int classes, long... size) {
    SplittableRandom random = new SplittableRandom(seed);
    SplittableRandom fixed = new SplittableRandom(99);
    int n = (int) Tensor.elements(size);
    float[] centres = new float[classes * n];
    for (int i = 0; i < centres.length; i++) {
      centres[i] = (float) fixed.nextGaussian();
    }
    float[] x = new float[rows * n];
    long[] y = new long[rows];
    for (int r = 0; r < rows; r++) {
      y[r] = random.nextInt(classes);
      for (int i = 0; i < n; i++) {
        x[r * n + i] = centres[(int) y[r] * n + i] + 0.3f * (float) random.nextGaussian();
      }
    }
    long[] shape = new long[size.length + 1];
    shape[0] = rows;
    System.arraycopy(size, 0, shape, 1, size.length);
    return new MicroBatch(
        Map.of("x", Tensor.ofFloats(x, shape), "y", Tensor.ofLongs(y, rows)), rows);
  }

  /** Padded sentences whose class is whether word 1 occurs. */
  static MicroBatch sentences(long seed, int rows, int length, int vocabulary) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] ids = new long[rows * length];
    float[] mask = new float[rows * length];
    long[] y = new long[rows];
    for (int r = 0; r < rows; r++) {
      int words = random.nextInt(length / 2, length + 1);
      for (int i = 0; i < words; i++) {
        ids[r * length + i] = random.nextInt(2, vocabulary);
        mask[r * length + i] = 1;
      }
      y[r] = random.nextInt(2);
      if (y[r] == 1) {
        ids[r * length + random.nextInt(words)] = 1;
      }
    }
    return new MicroBatch(
        Map.of(
            "ids", Tensor.ofLongs(ids, rows, length),
            "mask", Tensor.ofFloats(mask, rows, length),
            "y", Tensor.ofLongs(y, rows)),
        rows);
  }
}
