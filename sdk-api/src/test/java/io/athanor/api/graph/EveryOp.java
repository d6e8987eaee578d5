package io.athanor.api.graph;

import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.SequenceOp.SequencePool;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A graph that uses every operation, and the closed set of operations to compare with. */
public final class EveryOp {
  private EveryOp() {}

  /** The record types of all operations. */
  public static List<Class<?>> types() {
    List<Class<?>> types = new ArrayList<>();
    for (Class<?> family : Op.class.getPermittedSubclasses()) {
      types.addAll(Arrays.asList(family.getPermittedSubclasses()));
    }
    return types;
  }

  public static Graph graph() {
    GraphBuilder g = Graph.builder("every op");
    Value ids = g.input("ids", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value mask = g.input("ids.mask", TensorType.f32(Dim.BATCH, Dim.SEQUENCE));
    Value image = g.input("image", TensorType.f32(Dim.BATCH, Dim.of(3), Dim.of(8), Dim.of(6)));
    Value classes = g.target("classes", TensorType.i64(Dim.BATCH));
    Value numbers = g.target("numbers", TensorType.f32(Dim.BATCH, Dim.of(4)));

    Value x = g.embedding("embedding", ids, 11, 8, 0.02);
    Value positions = g.positionIds(ids);
    x = g.add(x, g.embedding("positions", positions, 16, 8, 0.02));
    x = g.rmsNorm("rms", g.layerNorm("norm", x, 1e-5), 1e-6);
    Value q = g.rope(x, 4, 10_000);
    Value k = g.linearWithoutBias("key", x, 4);
    x = g.attention("attention", 2, true, 0.1, q, k, k, mask);
    x = g.gru("gru", g.lstm("lstm", g.dropout(x, 0.25), 5), 6);
    x = language(g, x, ids, mask);
    Value rows = g.sequencePool(SequencePool.Kind.LAST, x, mask);

    Value y = g.relu(g.batchNorm("bn", g.conv2d("conv", image, 4, 3, 1, 1)));
    y = g.pool2d(ShapeOp.Pool2d.Kind.MEAN, y, 2);
    y = g.reduce(ShapeOp.Reduce.Statistic.MAX, g.transpose(y, 0, 2, 3, 1), 1, 2);
    Value all = g.concat(1, rows, g.reshape(g.slice(y, 1, 1, 4), 3), y);
    return finish(g, all, likelihood(g, x), classes, numbers);
  }

  /** What language models add. Input and result {@code [b, t, 6]}. */
  private static Value language(GraphBuilder g, Value x, Value ids, Value mask) {
    Value adapter = g.input("adapter", TensorType.i64(Dim.BATCH));
    Value segments = g.input("ids.segments", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value positions = g.input("ids.positions", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value types = g.apply("type ids", new SequenceOp.ConstantIds(1), ids);
    x = g.add(g.linear("wide", x, 8), g.embedding("types", types, 2, 8, 0.02));
    String gemma = g.parameter("gemma.weight", Initializer.ZEROS, 8);
    x = g.apply("gemma", new LayerOp.RmsNorm(gemma, 1e-6, 1), x);
    String a = g.parameter("lora.a", new Initializer.Normal(0.02), 2, 3, 8);
    String b = g.parameter("lora.b", Initializer.ZEROS, 2, 8, 3);
    x = g.add(x, g.apply("lora", new LayerOp.AdapterLinear(a, b), x, adapter));
    for (RopeScaling scaling : ropeScalings()) {
      x = g.apply("rope " + scaling, new SequenceOp.Rope(4, 10_000, scaling), x, positions);
    }
    x =
        g.apply(
            "documents", new SequenceOp.Attention(2, 2, true, 0, 0.5, 3, 30), x, x, x, segments);
    String tokens = g.parameter("prompt.weight", new Initializer.Normal(0.02), 2, 8);
    x = g.apply("prompt", new LayerOp.VirtualTokens(tokens), x);
    Value longMask = g.apply("prompt.mask", new SequenceOp.Prepend(2, 1), mask);
    x = g.attention("prompted", 2, false, 0, x, x, x, longMask);
    return g.linear("narrow", g.apply("skip", new SequenceOp.Skip(2), x), 6);
  }

  /** One of each, with values that differ. */
  public static List<RopeScaling> ropeScalings() {
    return List.of(
        new RopeScaling.None(),
        new RopeScaling.Linear(2.5),
        new RopeScaling.Llama3(8, 1, 4, 8192),
        new RopeScaling.Yarn(4, 1.25, 32, 2048, 1.5));
  }

  /** The losses over sequences and pairs of rows, as one number. */
  private static Value likelihood(GraphBuilder g, Value x) {
    Value next = g.target("next", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value reference = g.target("reference", TensorType.f32(Dim.BATCH));
    Value logits = g.linear("vocabulary", x, 11);
    Value likelihood = g.apply("likelihood", new LossOp.SequenceLogProbability(), logits, next);
    Value preference = g.apply("preference", new LossOp.Preference(0.25), likelihood, reference);
    Value vector =
        g.apply("unit", new ElementOp.Normalize(), g.sequencePool(SequencePool.Kind.MEAN, x));
    return g.add(preference, g.apply("pairs", new LossOp.Contrastive(0.05), vector));
  }

  private static Graph finish(
      GraphBuilder g, Value all, Value likelihood, Value classes, Value numbers) {
    Value logits = g.linear("head", all, 4);
    Value gate = g.activation(Activation.Kind.SIGMOID, logits);
    Value scaled = g.scale(g.multiply(logits, gate), -0.5);
    g.output("probabilities", g.softmax(scaled)).output("logs", g.logSoftmax(scaled));
    Value loss = g.add(g.crossEntropy(logits, classes), g.binaryCrossEntropy(logits, numbers));
    loss = g.add(loss, g.meanSquaredError(logits, numbers));
    loss = g.add(loss, g.apply("huber", new LossOp.Huber(1.5), logits, numbers));
    return g.loss(g.add(loss, likelihood)).build();
  }
}
