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
    Value rows = g.sequencePool(SequencePool.Kind.LAST, x, mask);

    Value y = g.relu(g.batchNorm("bn", g.conv2d("conv", image, 4, 3, 1, 1)));
    y = g.pool2d(ShapeOp.Pool2d.Kind.MEAN, y, 2);
    y = g.reduce(ShapeOp.Reduce.Statistic.MAX, g.transpose(y, 0, 2, 3, 1), 1, 2);
    Value all = g.concat(1, rows, g.reshape(g.slice(y, 1, 1, 4), 3), y);
    return finish(g, all, classes, numbers);
  }

  private static Graph finish(GraphBuilder g, Value all, Value classes, Value numbers) {
    Value logits = g.linear("head", all, 4);
    Value gate = g.activation(Activation.Kind.SIGMOID, logits);
    Value scaled = g.scale(g.multiply(logits, gate), -0.5);
    g.output("probabilities", g.softmax(scaled)).output("logs", g.logSoftmax(scaled));
    Value loss = g.add(g.crossEntropy(logits, classes), g.binaryCrossEntropy(logits, numbers));
    loss = g.add(loss, g.meanSquaredError(logits, numbers));
    loss = g.add(loss, g.apply("huber", new LossOp.Huber(1.5), logits, numbers));
    return g.loss(loss).build();
  }
}
