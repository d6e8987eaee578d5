package io.athanor.api.graph;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Operations of one node's forward pass; the rules stand at {@link Flops}. */
final class ForwardFlops implements OpVisitor<Long> {
  private static final long SOFTMAX = 5;
  private static final long LOSS = 5;

  private final Graph graph;
  private final Map<String, Long> sizes;

  ForwardFlops(Graph graph, Map<String, Long> sizes) {
    this.graph = graph;
    this.sizes = sizes;
  }

  private long result(Node node) {
    return node.type().shape().elements(sizes);
  }

  private long read(Node node) {
    return graph.type(node.inputs().get(0)).shape().elements(sizes);
  }

  private long[] shape(Node node, int input) {
    return graph.type(node.inputs().get(input)).shape().resolve(sizes);
  }

  private long size(String parameter, int axis) {
    return graph.parameter(parameter).shape().dim(axis).offset();
  }

  private static long product(long... factors) {
    long product = 1;
    for (long factor : factors) {
      product = Math.multiplyExact(product, factor);
    }
    return product;
  }

  private long products(Node node, long inner, @Nullable String bias) {
    long result = result(node);
    return Math.addExact(product(2, result, inner), bias == null ? 0 : result);
  }

  @Override
  public Long linear(Node node, LayerOp.Linear op) {
    return products(node, size(op.weight(), 1), op.bias());
  }

  @Override
  public Long embedding(Node node, LayerOp.Embedding op) {
    return 0L;
  }

  /** The products, and the scale of each result. */
  @Override
  public Long quantizedLinear(Node node, QuantizedOp.QuantizedLinear op) {
    return Math.addExact(products(node, size(op.weight(), 1), op.bias()), result(node));
  }

  @Override
  public Long quantizedEmbedding(Node node, QuantizedOp.QuantizedEmbedding op) {
    return result(node);
  }

  @Override
  public Long conv2d(Node node, LayerOp.Conv2d op) {
    long window = product(size(op.weight(), 1), size(op.weight(), 2), size(op.weight(), 3));
    return products(node, window, op.bias());
  }

  @Override
  public Long layerNorm(Node node, LayerOp.LayerNorm op) {
    return product(7, result(node));
  }

  @Override
  public Long rmsNorm(Node node, LayerOp.RmsNorm op) {
    return product(4, result(node));
  }

  @Override
  public Long batchNorm(Node node, LayerOp.BatchNorm op) {
    return product(2, result(node));
  }

  @Override
  public Long lstm(Node node, LayerOp.Lstm op) {
    return recurrent(node, 4, size(op.inputWeight(), 1), size(op.hiddenWeight(), 1), 9);
  }

  @Override
  public Long gru(Node node, LayerOp.Gru op) {
    return recurrent(node, 3, size(op.inputWeight(), 1), size(op.hiddenWeight(), 1), 10);
  }

  /** Two products and two biases for each gate, then the cell's own arithmetic. */
  private long recurrent(Node node, long gates, long in, long hidden, long cell) {
    long result = result(node);
    long products = product(2, gates, result, Math.addExact(in, hidden));
    return Math.addExact(products, product(Math.addExact(2 * gates, cell), result));
  }

  @Override
  public Long adapterLinear(Node node, LayerOp.AdapterLinear op) {
    long rank = size(op.a(), 1);
    return product(2, rank, Math.addExact(read(node), result(node)));
  }

  @Override
  public Long virtualTokens(Node node, LayerOp.VirtualTokens op) {
    return 0L;
  }

  @Override
  public Long positionIds(Node node, SequenceOp.PositionIds op) {
    return 0L;
  }

  @Override
  public Long rope(Node node, SequenceOp.Rope op) {
    return product(3, result(node));
  }

  @Override
  public Long attention(Node node, SequenceOp.Attention op) {
    long[] q = shape(node, 0);
    long keys = shape(node, 1)[1];
    long scores = product(q[0], op.heads(), q[1], keys);
    long valueWidth = shape(node, 2)[2] / op.keyHeads();
    long inner = Math.addExact(q[2] / op.heads(), valueWidth);
    return Math.addExact(product(2, scores, inner), product(SOFTMAX, scores));
  }

  @Override
  public Long sequencePool(Node node, SequenceOp.SequencePool op) {
    return read(node);
  }

  @Override
  public Long constantIds(Node node, SequenceOp.ConstantIds op) {
    return 0L;
  }

  @Override
  public Long prepend(Node node, SequenceOp.Prepend op) {
    return 0L;
  }

  @Override
  public Long skip(Node node, SequenceOp.Skip op) {
    return 0L;
  }

  @Override
  public Long activation(Node node, ElementOp.Activation op) {
    return result(node);
  }

  @Override
  public Long add(Node node, ElementOp.Add op) {
    return result(node);
  }

  @Override
  public Long multiply(Node node, ElementOp.Multiply op) {
    return result(node);
  }

  @Override
  public Long scale(Node node, ElementOp.Scale op) {
    return result(node);
  }

  @Override
  public Long softmax(Node node, ElementOp.Softmax op) {
    return product(SOFTMAX, result(node));
  }

  @Override
  public Long logSoftmax(Node node, ElementOp.LogSoftmax op) {
    return product(SOFTMAX, result(node));
  }

  @Override
  public Long dropout(Node node, ElementOp.Dropout op) {
    return 0L;
  }

  @Override
  public Long normalize(Node node, ElementOp.Normalize op) {
    return product(3, result(node));
  }

  @Override
  public Long reshape(Node node, ShapeOp.Reshape op) {
    return 0L;
  }

  @Override
  public Long transpose(Node node, ShapeOp.Transpose op) {
    return 0L;
  }

  @Override
  public Long concat(Node node, ShapeOp.Concat op) {
    return 0L;
  }

  @Override
  public Long slice(Node node, ShapeOp.Slice op) {
    return 0L;
  }

  @Override
  public Long reduce(Node node, ShapeOp.Reduce op) {
    return read(node);
  }

  @Override
  public Long pool2d(Node node, ShapeOp.Pool2d op) {
    return product(op.kernel(), op.kernel(), result(node));
  }

  @Override
  public Long crossEntropy(Node node, LossOp.CrossEntropy op) {
    return product(LOSS, read(node));
  }

  @Override
  public Long binaryCrossEntropy(Node node, LossOp.BinaryCrossEntropy op) {
    return product(LOSS, read(node));
  }

  @Override
  public Long meanSquaredError(Node node, LossOp.MeanSquaredError op) {
    return product(LOSS, read(node));
  }

  @Override
  public Long huber(Node node, LossOp.Huber op) {
    return product(LOSS, read(node));
  }

  @Override
  public Long sequenceLogProbability(Node node, LossOp.SequenceLogProbability op) {
    return product(LOSS, read(node));
  }

  @Override
  public Long preference(Node node, LossOp.Preference op) {
    return product(LOSS, read(node));
  }

  /** Products of every query with all that can be found. */
  @Override
  public Long contrastive(Node node, LossOp.Contrastive op) {
    long[] x = shape(node, 0);
    long pairs = x[0] / 2;
    return product(pairs, pairs, Math.addExact(product(2, x[1]), LOSS));
  }
}
