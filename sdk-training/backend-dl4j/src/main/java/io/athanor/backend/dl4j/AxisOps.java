package io.athanor.backend.dl4j;

import io.athanor.api.graph.Node;
import io.athanor.api.graph.ShapeOp;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** Operations that rearrange or reduce axes. */
final class AxisOps {
  private final ProgramWriter to;
  private final SameDiff program;

  AxisOps(ProgramWriter to) {
    this.to = to;
    this.program = to.program();
  }

  SDVariable reshape(Node node, ShapeOp.Reshape op) {
    return to.reshaped(to.in(node, 0), to.shape(node));
  }

  SDVariable transpose(Node node, ShapeOp.Transpose op) {
    return program.permute(to.in(node, 0), op.axes().stream().mapToInt(i -> i).toArray());
  }

  SDVariable concat(Node node, ShapeOp.Concat op) {
    return program.concat(
        op.axis(), node.inputs().stream().map(to::value).toArray(SDVariable[]::new));
  }

  SDVariable slice(Node node, ShapeOp.Slice op) {
    return range(program, to.in(node, 0), to.shape(node), op.axis(), (int) op.from());
  }

  /** A range of an axis. */
  static SDVariable range(SameDiff program, SDVariable x, long[] result, int axis, int from) {
    int[] begin = new int[result.length];
    begin[axis] = from;
    return program.slice(x, begin, Arrays.stream(result).mapToInt(Math::toIntExact).toArray());
  }

  SDVariable reduce(Node node, ShapeOp.Reduce op) {
    int[] axes = op.axes().stream().mapToInt(i -> i).toArray();
    return to.reduced(op.statistic(), to.in(node, 0), to.shape(node, 0), false, axes);
  }
}
