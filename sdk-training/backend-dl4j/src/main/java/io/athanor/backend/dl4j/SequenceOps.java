package io.athanor.backend.dl4j;

import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp.Reduce.Statistic;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntToLongFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/** Operations along a sequence axis. */
final class SequenceOps {
  /** Below every number that a model computes with, and finite. */
  private static final double LOWEST = -1e30;

  private final ProgramWriter to;
  private final SameDiff program;

  SequenceOps(ProgramWriter to) {
    this.to = to;
    this.program = to.program();
  }

  SDVariable virtualTokens(Node node, LayerOp.VirtualTokens op) {
    long[] weight = to.shapeOf(op.weight());
    int batch = Math.toIntExact(to.shape(node)[0]);
    SDVariable tokens = to.reshaped(to.parameter(op.weight()), 1, weight[0], weight[1]);
    return program.concat(1, program.tile(tokens, batch, 1, 1), to.in(node, 0));
  }

  SDVariable prepend(Node node, SequenceOp.Prepend op) {
    long batch = to.shape(node)[0];
    float[] values = new float[Math.toIntExact(batch * op.count())];
    Arrays.fill(values, (float) op.value());
    return program.concat(1, to.constant(values, batch, op.count()), to.in(node, 0));
  }

  SDVariable skip(Node node, SequenceOp.Skip op) {
    return AxisOps.range(program, to.in(node, 0), to.shape(node), 1, op.count());
  }

  /** Turns the halves of each head against each other. */
  SDVariable rope(Node node, SequenceOp.Rope op) {
    long[] shape = to.shape(node);
    long heads = shape[2] / op.headSize();
    SDVariable cosines = table(node, op, Math::cos);
    SDVariable sines = table(node, op, Math::sin);
    SDVariable x = to.reshaped(to.in(node, 0), shape[0], shape[1], heads, op.headSize());
    SDVariable[] halves = program.split(x, 2, 3);
    SDVariable left = halves[0].mul(cosines).sub(halves[1].mul(sines));
    SDVariable right = halves[1].mul(cosines).add(halves[0].mul(sines));
    return to.reshaped(program.concat(3, left, right), shape);
  }

  /** {@code [b or 1, t, 1, headSize / 2]}. */
  private SDVariable table(Node node, SequenceOp.Rope op, DoubleUnaryOperator function) {
    long[] shape = to.shape(node);
    int half = op.headSize() / 2;
    double[] speeds = op.frequencies();
    double magnitude = op.scaling().magnitude();
    if (node.inputs().size() == 1) {
      float[] values = new float[Math.toIntExact(shape[1] * half)];
      write(FloatBuffer.wrap(values), i -> i, speeds, magnitude, function);
      return to.constant(values, 1, shape[1], 1, half);
    }
    String positions = node.inputs().get(1);
    return to.feed(
        (into, call) -> {
          LongBuffer longs = call.values().value(positions).longBuffer();
          write(into, longs::get, speeds, magnitude, function);
        },
        shape[0],
        shape[1],
        1,
        half);
  }

  private static void write(
      FloatBuffer into,
      IntToLongFunction position,
      double[] speeds,
      double magnitude,
      DoubleUnaryOperator function) {
    for (int i = 0; into.hasRemaining(); i++) {
      for (double speed : speeds) {
        into.put((float) (magnitude * function.applyAsDouble(position.applyAsLong(i) * speed)));
      }
    }
  }

  SDVariable sequencePool(Node node, SequenceOp.SequencePool op) {
    SDVariable x = to.in(node, 0);
    long[] shape = to.shape(node, 0);
    if (node.inputs().size() > 1) {
      return masked(x, program.neq(to.in(node, 1), 0).castTo(DataType.FLOAT), shape, op);
    }
    return switch (op.kind()) {
      case MEAN -> to.reduced(Statistic.MEAN, x, shape, false, 1);
      case MAX -> to.reduced(Statistic.MAX, x, shape, false, 1);
      case FIRST -> position(x, shape, 0);
      case LAST -> position(x, shape, (int) shape[1] - 1);
    };
  }

  private SDVariable position(SDVariable x, long[] shape, int index) {
    long[] one = {shape[0], 1, shape[2]};
    return to.reshaped(AxisOps.range(program, x, one, 1, index), shape[0], shape[2]);
  }

  /**
   * @param real {@code [b, t]}, 1 for real positions and 0 for padding
   */
  private SDVariable masked(
      SDVariable x, SDVariable real, long[] shape, SequenceOp.SequencePool op) {
    long[] positions = {shape[0], shape[1]};
    SDVariable any = to.reduced(Statistic.MAX, real, positions, true, 1);
    SDVariable shares =
        switch (op.kind()) {
          case MEAN -> {
            SDVariable count = to.reduced(Statistic.SUM, real, positions, true, 1);
            yield real.div(count.add(any.rsub(1)));
          }
          case FIRST -> any.mul(indicator(shape[1], 0));
          case LAST -> {
            SDVariable places = real.mul(counting(shape[1]));
            SDVariable last = to.reduced(Statistic.MAX, places, positions, true, 1);
            yield program.eq(places, last).castTo(DataType.FLOAT).mul(real);
          }
          case MAX -> real;
        };
    if (op.kind() == SequenceOp.SequencePool.Kind.MAX) {
      SDVariable lowered = x.add(column(real.sub(1).mul(-LOWEST), shape));
      return to.reduced(Statistic.MAX, lowered, shape, false, 1).mul(any);
    }
    return to.reduced(Statistic.SUM, x.mul(column(shares, shape)), shape, false, 1);
  }

  private SDVariable column(SDVariable ofPositions, long[] shape) {
    return to.reshaped(ofPositions, shape[0], shape[1], 1);
  }

  /** 1, 2, 3 and so on. */
  private SDVariable counting(long time) {
    float[] values = new float[Math.toIntExact(time)];
    for (int i = 0; i < values.length; i++) {
      values[i] = i + 1f;
    }
    return to.constant(values, 1, time);
  }

  private SDVariable indicator(long time, int index) {
    float[] values = new float[Math.toIntExact(time)];
    values[index] = 1;
    return to.constant(values, 1, time);
  }
}
