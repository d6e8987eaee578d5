package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Shape;

/** Writes the parts of one RMS norm, which its forward and its backward pass share. */
final class RmsNormWriter {
  private final OpWriter out;
  private final LayerOp.RmsNorm op;
  private final long size;
  private final Shape shape;

  RmsNormWriter(OpWriter out, Graph graph, Node node, LayerOp.RmsNorm op) {
    this.out = out;
    this.op = op;
    this.size = graph.parameter(op.weight()).shape().elements();
    this.shape = node.type().shape();
  }

  private boolean several() {
    return shape.dim(-1).offset() != size;
  }

  /** A value of the result's shape, with an axis for the runs where there are several in a row. */
  String runs(String x) {
    return several() ? out.assign(call("unflatten", x, -1, "[-1, " + size + "]")) : x;
  }

  /** The opposite of {@link #runs}. */
  String joined(String runs) {
    return several() ? call("flatten", runs, -2) : runs;
  }

  /** All axes but the last of runs as one. */
  String rows(String runs) {
    boolean already = shape.rank() == 2 && !several();
    return already ? runs : out.assign(call("reshape", runs, "[-1, " + size + "]"));
  }

  /** The reciprocal of the root-mean-square of each run. */
  String reciprocal(String runs) {
    String squares = call("square", call("linalg_vector_norm", runs, 2, "[-1]", true));
    return call("rsqrt", call("add", call("div", squares, size), op.epsilon()));
  }

  String weight() {
    String weight = out.parameter(op.weight());
    return op.offset() == 0 ? weight : call("add", weight, op.offset());
  }

  /** The means of products of runs and weights. */
  String mean(String runs, String weight) {
    return call("unsqueeze", call("div", call("matmul", runs, weight), size), -1);
  }

  static String rescaled(String x, String rows, String columns) {
    return call("mul_", call("mul", x, rows), columns);
  }
}
