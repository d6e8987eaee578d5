package io.athanor.backend.dl4j;

import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.OpVisitor;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp;
import org.nd4j.autodiff.samediff.SDVariable;

/** Writes each operation by the rules of its family; gives the variable of its result. */
final class OpWriter implements OpVisitor<SDVariable> {
  private final ProgramWriter writer;
  private final LayerOps layers;
  private final ImageOps images;
  private final RecurrentOps recurrence;
  private final SequenceOps sequences;
  private final AttentionOps attention;
  private final ElementOps elements;
  private final AxisOps axes;
  private final LossOps losses;

  OpWriter(ProgramWriter writer) {
    this.writer = writer;
    this.layers = new LayerOps(writer);
    this.images = new ImageOps(writer);
    this.recurrence = new RecurrentOps(writer);
    this.sequences = new SequenceOps(writer);
    this.attention = new AttentionOps(writer);
    this.elements = new ElementOps(writer);
    this.axes = new AxisOps(writer);
    this.losses = new LossOps(writer);
  }

  @Override
  public SDVariable linear(Node node, LayerOp.Linear op) {
    return layers.linear(node, op);
  }

  @Override
  public SDVariable embedding(Node node, LayerOp.Embedding op) {
    return layers.embedding(node, op);
  }

  @Override
  public SDVariable conv2d(Node node, LayerOp.Conv2d op) {
    return images.conv2d(node, op);
  }

  @Override
  public SDVariable layerNorm(Node node, LayerOp.LayerNorm op) {
    return layers.layerNorm(node, op);
  }

  @Override
  public SDVariable rmsNorm(Node node, LayerOp.RmsNorm op) {
    return layers.rmsNorm(node, op);
  }

  @Override
  public SDVariable batchNorm(Node node, LayerOp.BatchNorm op) {
    return layers.batchNorm(node, op);
  }

  @Override
  public SDVariable lstm(Node node, LayerOp.Lstm op) {
    return recurrence.lstm(node, op);
  }

  @Override
  public SDVariable gru(Node node, LayerOp.Gru op) {
    return recurrence.gru(node, op);
  }

  @Override
  public SDVariable adapterLinear(Node node, LayerOp.AdapterLinear op) {
    return layers.adapterLinear(node, op);
  }

  @Override
  public SDVariable virtualTokens(Node node, LayerOp.VirtualTokens op) {
    return sequences.virtualTokens(node, op);
  }

  @Override
  public SDVariable positionIds(Node node, SequenceOp.PositionIds op) {
    return writer.value(node.name());
  }

  @Override
  public SDVariable rope(Node node, SequenceOp.Rope op) {
    return sequences.rope(node, op);
  }

  @Override
  public SDVariable attention(Node node, SequenceOp.Attention op) {
    return attention.attention(node, op);
  }

  @Override
  public SDVariable sequencePool(Node node, SequenceOp.SequencePool op) {
    return sequences.sequencePool(node, op);
  }

  @Override
  public SDVariable constantIds(Node node, SequenceOp.ConstantIds op) {
    return writer.value(node.name());
  }

  @Override
  public SDVariable prepend(Node node, SequenceOp.Prepend op) {
    return sequences.prepend(node, op);
  }

  @Override
  public SDVariable skip(Node node, SequenceOp.Skip op) {
    return sequences.skip(node, op);
  }

  @Override
  public SDVariable activation(Node node, ElementOp.Activation op) {
    return elements.activation(node, op);
  }

  @Override
  public SDVariable add(Node node, ElementOp.Add op) {
    return elements.add(node);
  }

  @Override
  public SDVariable multiply(Node node, ElementOp.Multiply op) {
    return elements.multiply(node);
  }

  @Override
  public SDVariable scale(Node node, ElementOp.Scale op) {
    return elements.scale(node, op);
  }

  @Override
  public SDVariable softmax(Node node, ElementOp.Softmax op) {
    return elements.softmax(node);
  }

  @Override
  public SDVariable logSoftmax(Node node, ElementOp.LogSoftmax op) {
    return elements.logSoftmax(node);
  }

  @Override
  public SDVariable dropout(Node node, ElementOp.Dropout op) {
    return elements.dropout(node, op);
  }

  @Override
  public SDVariable normalize(Node node, ElementOp.Normalize op) {
    return elements.normalize(node);
  }

  @Override
  public SDVariable reshape(Node node, ShapeOp.Reshape op) {
    return axes.reshape(node, op);
  }

  @Override
  public SDVariable transpose(Node node, ShapeOp.Transpose op) {
    return axes.transpose(node, op);
  }

  @Override
  public SDVariable concat(Node node, ShapeOp.Concat op) {
    return axes.concat(node, op);
  }

  @Override
  public SDVariable slice(Node node, ShapeOp.Slice op) {
    return axes.slice(node, op);
  }

  @Override
  public SDVariable reduce(Node node, ShapeOp.Reduce op) {
    return axes.reduce(node, op);
  }

  @Override
  public SDVariable pool2d(Node node, ShapeOp.Pool2d op) {
    return images.pool2d(node, op);
  }

  @Override
  public SDVariable crossEntropy(Node node, LossOp.CrossEntropy op) {
    return losses.crossEntropy(node, op);
  }

  @Override
  public SDVariable binaryCrossEntropy(Node node, LossOp.BinaryCrossEntropy op) {
    return losses.binaryCrossEntropy(node);
  }

  @Override
  public SDVariable meanSquaredError(Node node, LossOp.MeanSquaredError op) {
    return losses.meanSquaredError(node);
  }

  @Override
  public SDVariable huber(Node node, LossOp.Huber op) {
    return losses.huber(node, op);
  }

  @Override
  public SDVariable sequenceLogProbability(Node node, LossOp.SequenceLogProbability op) {
    return losses.sequenceLogProbability(node);
  }

  @Override
  public SDVariable preference(Node node, LossOp.Preference op) {
    return losses.preference(node, op);
  }

  @Override
  public SDVariable contrastive(Node node, LossOp.Contrastive op) {
    return losses.contrastive(node, op);
  }
}
