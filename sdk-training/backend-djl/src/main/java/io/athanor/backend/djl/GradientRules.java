package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;
import static io.athanor.backend.djl.OpWriter.pair;
import static io.athanor.backend.djl.OpWriter.window;

import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.OpVisitor;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp;
import java.util.List;
import java.util.function.Consumer;

/**
 * What {@link GradientWriter} knows of each operation. A visit appends the forward statements and
 * returns how to pass the gradient of the result on to inputs and parameters.
 */
final class GradientRules extends Rules implements OpVisitor<Consumer<String>> {
  private final SequenceRules sequences;
  private final LossRules losses;

  GradientRules(Graph graph, OpWriter out, GradientWriter to) {
    super(graph, out, to);
    this.sequences = new SequenceRules(graph, out, to);
    this.losses = new LossRules(graph, out, to);
  }

  @Override
  public Consumer<String> linear(Node node, LayerOp.Linear op) {
    forward(node);
    return gradient -> {
      String slopes = rounded(gradient);
      pass(node, 0, full(call("matmul", slopes, out.rounded(op.weight()))));
      if (wants(op.weight())) {
        String x = rows(graph.type(node.inputs().get(0)), rounded(out.in(node, 0)));
        String turned = call("t", rows(node.type(), slopes));
        if (out.target().rounds()) {
          to.fill(op.weight(), call("mm", turned, x));
        } else {
          to.fill(op.weight(), "mm", turned, x);
        }
      }
      if (wants(op.bias())) {
        to.fill(op.bias(), "sum", rows(node.type(), gradient), "[0]");
      }
    };
  }

  @Override
  public Consumer<String> embedding(Node node, LayerOp.Embedding op) {
    forward(node);
    return gradient -> {
      String ids = call("flatten", out.in(node, 0));
      to.scatter(op.weight(), ids, rows(node.type(), gradient));
    };
  }

  @Override
  public Consumer<String> conv2d(Node node, LayerOp.Conv2d op) {
    forward(node);
    return gradient -> {
      boolean bias = wants(op.bias());
      long filters = graph.parameter(op.weight()).shape().dim(0).offset();
      List<String> found =
          out.assign(
              3,
              call(
                  "convolution_backward",
                  rounded(gradient),
                  rounded(out.in(node, 0)),
                  out.rounded(op.weight()),
                  bias ? "[" + filters + "]" : "None",
                  pair(op.stride()),
                  pair(op.padding()),
                  "[1, 1], False, [0, 0], 1",
                  mask(wants(node, 0), wants(op.weight()), bias)));
      pass(node, 0, full(found.get(0)));
      to.fill(op.weight(), found.get(1));
      to.fill(op.bias(), found.get(2));
    };
  }

  private static String mask(boolean... wanted) {
    StringBuilder text = new StringBuilder();
    for (boolean one : wanted) {
      text.append(text.isEmpty() ? "[" : ", ").append(one ? "True" : "False");
    }
    return text.append(']').toString();
  }

  @Override
  public Consumer<String> layerNorm(Node node, LayerOp.LayerNorm op) {
    String size = "[" + graph.parameter(op.weight()).shape().elements() + "]";
    String weight = out.parameter(op.weight());
    String bias = out.parameter(op.bias());
    List<String> saved =
        forward(
            node, 3, call("native_layer_norm", out.in(node, 0), size, weight, bias, op.epsilon()));
    return gradient -> {
      String wanted = mask(wants(node, 0), wants(op.weight()), wants(op.bias()));
      List<String> found =
          out.assign(
              3,
              call(
                  "native_layer_norm_backward",
                  gradient,
                  out.in(node, 0),
                  size,
                  saved.get(1),
                  saved.get(2),
                  weight,
                  bias,
                  wanted));
      pass(node, 0, found.get(0));
      to.fill(op.weight(), found.get(1));
      to.fill(op.bias(), found.get(2));
    };
  }

  @Override
  public Consumer<String> rmsNorm(Node node, LayerOp.RmsNorm op) {
    RmsNormWriter norm = new RmsNormWriter(out, graph, node, op);
    String x = norm.runs(out.in(node, 0));
    String scale = out.assign(norm.reciprocal(x));
    String weight = out.assign(norm.weight());
    out.result(node, out.assign(norm.joined(RmsNormWriter.rescaled(x, scale, weight))));
    return joined -> {
      String gradient = norm.runs(joined);
      String slopes = out.assign(call("mul_", call("mul", gradient, x), scale));
      if (wants(node, 0)) {
        String back = out.assign(RmsNormWriter.rescaled(gradient, weight, scale));
        String common = call("mul", call("square", scale), norm.mean(slopes, weight));
        pass(node, 0, norm.joined(call("addcmul_", back, x, common, "value=-1")));
      }
      to.fill(op.weight(), "sum", norm.rows(slopes), "[0]");
    };
  }

  @Override
  public Consumer<String> batchNorm(Node node, LayerOp.BatchNorm op) {
    String weight = out.parameter(op.weight());
    String running = out.running(op);
    List<String> saved =
        forward(
            node,
            3,
            call(
                "native_batch_norm",
                out.in(node, 0),
                weight,
                out.parameter(op.bias()),
                running,
                true,
                op.momentum(),
                op.epsilon()));
    return gradient -> {
      String wanted = mask(wants(node, 0), wants(op.weight()), wants(op.bias()));
      List<String> found =
          out.assign(
              3,
              call(
                  "native_batch_norm_backward",
                  gradient,
                  out.in(node, 0),
                  weight,
                  running,
                  saved.get(1),
                  saved.get(2),
                  true,
                  op.epsilon(),
                  wanted));
      pass(node, 0, found.get(0));
      to.fill(op.weight(), found.get(1));
      to.fill(op.bias(), found.get(2));
    };
  }

  @Override
  public Consumer<String> lstm(Node node, LayerOp.Lstm op) {
    return recorded(node);
  }

  @Override
  public Consumer<String> gru(Node node, LayerOp.Gru op) {
    return recorded(node);
  }

  @Override
  public Consumer<String> foreign(Node node, LayerOp.Foreign op) {
    return recorded(node);
  }

  @Override
  public Consumer<String> positionIds(Node node, SequenceOp.PositionIds op) {
    return recorded(node);
  }

  @Override
  public Consumer<String> rope(Node node, SequenceOp.Rope op) {
    return sequences.rope(node, op);
  }

  @Override
  public Consumer<String> attention(Node node, SequenceOp.Attention op) {
    return sequences.attention(node, op);
  }

  @Override
  public Consumer<String> sequencePool(Node node, SequenceOp.SequencePool op) {
    return sequences.sequencePool(node, op);
  }

  @Override
  public Consumer<String> activation(Node node, ElementOp.Activation op) {
    String y = forward(node);
    String x = out.in(node, 0);
    return gradient ->
        pass(
            node,
            0,
            switch (op.kind()) {
              case RELU -> call("threshold_backward", gradient, y, 0);
              case GELU -> call("gelu_backward", gradient, x);
              case GELU_TANH -> call("gelu_backward", gradient, x, "approximate=\"tanh\"");
              case SILU -> call("silu_backward", gradient, x);
              case TANH -> call("tanh_backward", gradient, y);
              case SIGMOID -> call("sigmoid_backward", gradient, y);
              case LEAKY_RELU -> call("leaky_relu_backward", gradient, x, 0.01, false);
              case ELU -> call("elu_backward", gradient, 1, 1, 1, false, x);
              case SOFTPLUS -> call("softplus_backward", gradient, x, 1, 20);
            });
  }

  @Override
  public Consumer<String> add(Node node, ElementOp.Add op) {
    forward(node);
    return gradient -> {
      pass(node, 0, summed(node, 0, gradient));
      pass(node, 1, summed(node, 1, gradient));
    };
  }

  @Override
  public Consumer<String> multiply(Node node, ElementOp.Multiply op) {
    forward(node);
    return gradient -> {
      pass(node, 0, summed(node, 0, call("mul", gradient, out.in(node, 1))));
      pass(node, 1, summed(node, 1, call("mul", gradient, out.in(node, 0))));
    };
  }

  /** Sums a gradient over the axes along which an input was repeated. */
  private String summed(Node node, int index, String gradient) {
    boolean same = graph.type(node.inputs().get(index)).shape().equals(node.type().shape());
    return same ? gradient : call("sum_to_size", gradient, sizes(node, index));
  }

  @Override
  public Consumer<String> scale(Node node, ElementOp.Scale op) {
    forward(node);
    return gradient -> pass(node, 0, call("mul", gradient, op.factor()));
  }

  @Override
  public Consumer<String> softmax(Node node, ElementOp.Softmax op) {
    String y = forward(node);
    return gradient -> pass(node, 0, call("_softmax_backward_data", gradient, y, -1, F32));
  }

  @Override
  public Consumer<String> logSoftmax(Node node, ElementOp.LogSoftmax op) {
    String y = forward(node);
    return gradient -> pass(node, 0, call("_log_softmax_backward_data", gradient, y, -1, F32));
  }

  @Override
  public Consumer<String> dropout(Node node, ElementOp.Dropout op) {
    String x = out.in(node, 0);
    if (op.rate() == 0) {
      forward(node);
      return gradient -> pass(node, 0, gradient);
    }
    String mask = out.mask(node, x, op.rate());
    out.result(node, out.assign(call("mul", x, mask)));
    return gradient -> pass(node, 0, call("mul", gradient, mask));
  }

  @Override
  public Consumer<String> reshape(Node node, ShapeOp.Reshape op) {
    forward(node);
    return gradient -> pass(node, 0, call("reshape", gradient, sizes(node, 0)));
  }

  @Override
  public Consumer<String> transpose(Node node, ShapeOp.Transpose op) {
    forward(node);
    Integer[] inverse = new Integer[op.axes().size()];
    for (int i = 0; i < inverse.length; i++) {
      inverse[op.axes().get(i)] = i;
    }
    return gradient -> pass(node, 0, call("permute", gradient, List.of(inverse)));
  }

  @Override
  public Consumer<String> concat(Node node, ShapeOp.Concat op) {
    forward(node);
    return gradient -> {
      String from = "0";
      for (int i = 0; i < node.inputs().size(); i++) {
        String to = out.assign(call("add", from, out.size(node, i, op.axis())));
        pass(node, i, call("slice", gradient, op.axis(), from, to));
        from = to;
      }
    };
  }

  @Override
  public Consumer<String> slice(Node node, ShapeOp.Slice op) {
    forward(node);
    return gradient ->
        pass(
            node,
            0,
            call("slice_backward", gradient, sizes(node, 0), op.axis(), op.from(), op.to(), 1));
  }

  @Override
  public Consumer<String> reduce(Node node, ShapeOp.Reduce op) {
    if (op.statistic() == ShapeOp.Reduce.Statistic.MAX) {
      return recorded(node);
    }
    forward(node);
    boolean mean = op.statistic() == ShapeOp.Reduce.Statistic.MEAN;
    return gradient -> spread(node, gradient, op.axes(), mean);
  }

  @Override
  public Consumer<String> pool2d(Node node, ShapeOp.Pool2d op) {
    String x = out.in(node, 0);
    if (op.kind() == ShapeOp.Pool2d.Kind.MEAN) {
      forward(node);
      return gradient ->
          pass(node, 0, call("avg_pool2d_backward", gradient, x, window(op), "False, True, None"));
    }
    List<String> found =
        out.assign(2, call("max_pool2d_with_indices", out.channelsLast(x), window(op)));
    out.result(node, out.assign(call("contiguous", found.get(0))));
    String indices = out.assign(call("contiguous", found.get(1)));
    return gradient ->
        pass(
            node,
            0,
            call(
                "max_pool2d_with_indices_backward",
                gradient,
                x,
                window(op),
                "[1, 1], False",
                indices));
  }

  @Override
  public Consumer<String> crossEntropy(Node node, LossOp.CrossEntropy op) {
    return losses.crossEntropy(node, op);
  }

  @Override
  public Consumer<String> binaryCrossEntropy(Node node, LossOp.BinaryCrossEntropy op) {
    return losses.binaryCrossEntropy(node);
  }

  @Override
  public Consumer<String> meanSquaredError(Node node, LossOp.MeanSquaredError op) {
    return losses.meanSquaredError(node);
  }

  @Override
  public Consumer<String> huber(Node node, LossOp.Huber op) {
    return losses.huber(node, op);
  }

  @Override
  public Consumer<String> adapterLinear(Node node, LayerOp.AdapterLinear op) {
    return sequences.adapterLinear(node, op);
  }

  @Override
  public Consumer<String> virtualTokens(Node node, LayerOp.VirtualTokens op) {
    return sequences.virtualTokens(node, op);
  }

  @Override
  public Consumer<String> constantIds(Node node, SequenceOp.ConstantIds op) {
    return recorded(node);
  }

  @Override
  public Consumer<String> prepend(Node node, SequenceOp.Prepend op) {
    return recorded(node);
  }

  @Override
  public Consumer<String> skip(Node node, SequenceOp.Skip op) {
    return sequences.skip(node, op);
  }

  @Override
  public Consumer<String> normalize(Node node, ElementOp.Normalize op) {
    String y = out.assign(out.sequences().length(out.in(node, 0)));
    String unit = out.assign(call("div", out.in(node, 0), y));
    out.result(node, unit);
    return gradient -> {
      String along = call("sum", call("mul", gradient, unit), "[-1]", true);
      String turning = OpWriter.toFloat(call("gt", y, SequenceWriter.LEAST_LENGTH));
      String part = call("mul", unit, call("mul", along, turning));
      pass(node, 0, call("div", call("sub", gradient, part), y));
    };
  }

  @Override
  public Consumer<String> sequenceLogProbability(Node node, LossOp.SequenceLogProbability op) {
    return losses.sequenceLogProbability(node);
  }

  @Override
  public Consumer<String> preference(Node node, LossOp.Preference op) {
    return losses.preference(node, op);
  }

  @Override
  public Consumer<String> contrastive(Node node, LossOp.Contrastive op) {
    return losses.contrastive(node, op);
  }
}
