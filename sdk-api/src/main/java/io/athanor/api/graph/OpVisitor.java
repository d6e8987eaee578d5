package io.athanor.api.graph;

import io.athanor.api.error.UnsupportedException;

/**
 * One method for each operation.
 *
 * @param <R> what visiting an operation gives
 */
public interface OpVisitor<R> {
  R linear(Node node, LayerOp.Linear op);

  R embedding(Node node, LayerOp.Embedding op);

  /**
   * Not met in training, nor in what was {@link Widened widened} before.
   *
   * @throws UnsupportedException unless overridden
   */
  default R quantizedLinear(Node node, QuantizedOp.QuantizedLinear op) {
    throw unwidened(node);
  }

  /**
   * Not met in training, nor in what was {@link Widened widened} before.
   *
   * @throws UnsupportedException unless overridden
   */
  default R quantizedEmbedding(Node node, QuantizedOp.QuantizedEmbedding op) {
    throw unwidened(node);
  }

  private static UnsupportedException unwidened(Node node) {
    return new UnsupportedException(
        "the layer '" + node.name() + "' has a matrix of 8 bits",
        "Take the model as it was before it was quantised");
  }

  R conv2d(Node node, LayerOp.Conv2d op);

  R layerNorm(Node node, LayerOp.LayerNorm op);

  R rmsNorm(Node node, LayerOp.RmsNorm op);

  R batchNorm(Node node, LayerOp.BatchNorm op);

  R lstm(Node node, LayerOp.Lstm op);

  R gru(Node node, LayerOp.Gru op);

  R adapterLinear(Node node, LayerOp.AdapterLinear op);

  R virtualTokens(Node node, LayerOp.VirtualTokens op);

  /**
   * An operation that most cannot handle.
   *
   * @throws UnsupportedException unless overridden
   */
  default R foreign(Node node, LayerOp.Foreign op) {
    throw new UnsupportedException(
        "the layer '" + node.name() + "' is a program in the form " + op.format(),
        "Use the backend of its engine: djl for torchscript");
  }

  R positionIds(Node node, SequenceOp.PositionIds op);

  R rope(Node node, SequenceOp.Rope op);

  R attention(Node node, SequenceOp.Attention op);

  R sequencePool(Node node, SequenceOp.SequencePool op);

  R constantIds(Node node, SequenceOp.ConstantIds op);

  R prepend(Node node, SequenceOp.Prepend op);

  R skip(Node node, SequenceOp.Skip op);

  R activation(Node node, ElementOp.Activation op);

  R add(Node node, ElementOp.Add op);

  R multiply(Node node, ElementOp.Multiply op);

  R scale(Node node, ElementOp.Scale op);

  R softmax(Node node, ElementOp.Softmax op);

  R logSoftmax(Node node, ElementOp.LogSoftmax op);

  R dropout(Node node, ElementOp.Dropout op);

  R normalize(Node node, ElementOp.Normalize op);

  R reshape(Node node, ShapeOp.Reshape op);

  R transpose(Node node, ShapeOp.Transpose op);

  R concat(Node node, ShapeOp.Concat op);

  R slice(Node node, ShapeOp.Slice op);

  R reduce(Node node, ShapeOp.Reduce op);

  R pool2d(Node node, ShapeOp.Pool2d op);

  R crossEntropy(Node node, LossOp.CrossEntropy op);

  R binaryCrossEntropy(Node node, LossOp.BinaryCrossEntropy op);

  R meanSquaredError(Node node, LossOp.MeanSquaredError op);

  R huber(Node node, LossOp.Huber op);

  R sequenceLogProbability(Node node, LossOp.SequenceLogProbability op);

  R preference(Node node, LossOp.Preference op);

  R contrastive(Node node, LossOp.Contrastive op);
}
