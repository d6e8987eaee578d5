package io.athanor.backend.dl4j;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.ShapeOp.Reduce.Statistic;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** Layers: products with weights, look-ups and norms. */
final class LayerOps {
  private final ProgramWriter to;
  private final SameDiff program;

  LayerOps(ProgramWriter to) {
    this.to = to;
    this.program = to.program();
  }

  SDVariable linear(Node node, LayerOp.Linear op) {
    SDVariable x = to.rows(to.in(node, 0), to.shape(node, 0));
    SDVariable y = to.product(x, to.parameter(op.weight()), true);
    String bias = op.bias();
    if (bias != null) {
      y = y.add(to.parameter(bias));
    }
    return to.shape(node).length == 2 ? y : to.reshaped(y, to.shape(node));
  }

  SDVariable embedding(Node node, LayerOp.Embedding op) {
    requirePositions(node, op);
    return to.gather(node, 0, op.weight());
  }

  /** Positions that are counted cannot point outside a table that is long enough. */
  private void requirePositions(Node node, LayerOp.Embedding op) {
    long rows = to.shapeOf(op.weight())[0];
    to.counted(node.inputs().get(0))
        .ifPresent(
            positions -> {
              long end = positions.first() + to.shape(node, 0)[1];
              if (end > rows) {
                throw new GraphException(
                    node.name(),
                    "expected at most " + rows + " positions, got " + end + "; cut the sequence");
              }
            });
  }

  SDVariable layerNorm(Node node, LayerOp.LayerNorm op) {
    long[] shape = to.shape(node);
    SDVariable x = to.rows(to.in(node, 0), shape);
    long[] rows = {Tensor.elements(shape) / shape[shape.length - 1], shape[shape.length - 1]};
    SDVariable centred = x.sub(to.reduced(Statistic.MEAN, x, rows, true, 1));
    SDVariable variance = to.reduced(Statistic.MEAN, centred.mul(centred), rows, true, 1);
    SDVariable y = scaled(centred, variance, op.epsilon()).mul(to.parameter(op.weight()));
    String bias = op.bias();
    if (bias != null) {
      y = y.add(to.parameter(bias));
    }
    return shape.length == 2 ? y : to.reshaped(y, shape);
  }

  private SDVariable scaled(SDVariable x, SDVariable square, double epsilon) {
    return x.mul(program.math().rsqrt(square.add(epsilon)));
  }

  SDVariable rmsNorm(Node node, LayerOp.RmsNorm op) {
    long[] shape = to.shape(node);
    long size = to.shapeOf(op.weight())[0];
    long[] runs = {Tensor.elements(shape) / size, size};
    SDVariable x = to.reshaped(to.in(node, 0), runs);
    SDVariable square = to.reduced(Statistic.MEAN, x.mul(x), runs, true, 1);
    SDVariable weight = to.parameter(op.weight());
    SDVariable factor = op.offset() == 0 ? weight : weight.add(op.offset());
    return to.reshaped(scaled(x, square, op.epsilon()).mul(factor), shape);
  }

  SDVariable batchNorm(Node node, LayerOp.BatchNorm op) {
    long[] shape = to.shape(node);
    long[] channels = new long[shape.length];
    Arrays.fill(channels, 1);
    channels[1] = shape[1];
    int[] others = shape.length == 2 ? new int[] {0} : new int[] {0, 2, 3};
    SDVariable x = to.in(node, 0);
    SDVariable centred;
    SDVariable variance;
    if (to.training()) {
      long count = Tensor.elements(shape) / shape[1];
      if (count < 2) {
        throw new GraphException(
            node.name(),
            "expected more than one value for each channel to train on, got "
                + Arrays.toString(shape)
                + "; use a larger batch");
      }
      SDVariable mean = to.reduced(Statistic.MEAN, x, shape, true, others);
      centred = x.sub(mean);
      variance = to.reduced(Statistic.MEAN, centred.mul(centred), shape, true, others);
      to.move(op, mean, variance, count);
    } else {
      centred = x.sub(to.reshaped(to.parameter(op.mean()), channels));
      variance = to.reshaped(to.parameter(op.variance()), channels);
    }
    return scaled(centred, variance, op.epsilon())
        .mul(to.reshaped(to.parameter(op.weight()), channels))
        .add(to.reshaped(to.parameter(op.bias()), channels));
  }

  /** Each row goes through the two matrices of its adapter. */
  SDVariable adapterLinear(Node node, LayerOp.AdapterLinear op) {
    SDVariable down = program.permute(to.gather(node, 1, op.a()), 0, 2, 1);
    SDVariable up = program.permute(to.gather(node, 1, op.b()), 0, 2, 1);
    return to.product(to.product(to.in(node, 0), down, false), up, false);
  }
}
