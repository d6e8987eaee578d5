package io.athanor.model.format.onnx;

import io.athanor.api.common.DType;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.OpVisitor;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Shape;
import io.athanor.api.graph.ShapeOp;
import io.athanor.api.graph.Weights;
import io.athanor.api.graph.Widened;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Turns a graph into ONNX operators, as far as it predicts.
 *
 * @see <a href="https://onnx.ai/onnx/operators/">The operators</a>
 */
final class GraphCompiler implements OpVisitor<String> {
  private static final double LEAST_LENGTH = 1e-12;
  private static final double TANH_GELU_CUBE = 0.044715;
  private static final Map<String, Object> LAST_AXIS = Map.of("axis", -1L);

  private final OnnxProgram program;
  private final WeightTensors weights;
  private final SequenceNodes sequences;
  private final boolean quantized;
  private final Map<String, String> values = new HashMap<>();

  private GraphCompiler(
      Graph graph, OnnxProgram program, WeightTensors weights, boolean quantized) {
    this.program = program;
    this.weights = weights;
    this.sequences = new SequenceNodes(program, graph);
    this.quantized = quantized;
  }

  /**
   * @param stored for prediction; its matrices of 8 bits are widened, and for 8 bits rounded again,
   *     to the same numbers if the largest of each row was 127
   * @throws UnsupportedException if ONNX cannot say what it computes
   */
  static OnnxProgram compile(Graph stored, Weights numbers, OnnxPrecision precision) {
    Widened wide = Widened.of(stored, numbers);
    Graph graph = wide.graph();
    requireSupport(graph, precision);
    OnnxProgram program = new OnnxProgram(graph.inputs(), graph.outputs().keySet());
    WeightTensors tensors = new WeightTensors(program, graph, wide.weights());
    GraphCompiler compiler =
        new GraphCompiler(graph, program, tensors, precision == OnnxPrecision.INT8);
    graph.inputs().forEach(input -> compiler.values.put(input.name(), input.name()));
    for (Node node : graph.nodes()) {
      program.enter(node.name());
      compiler.values.put(node.name(), node.op().accept(compiler, node));
    }
    graph
        .outputs()
        .forEach((name, value) -> program.output(name, compiler.of(value), graph.type(value)));
    return program;
  }

  private static void requireSupport(Graph graph, OnnxPrecision precision) {
    for (Input input : graph.inputs()) {
      DType type = input.type().dtype();
      if (type != DType.F32 && type != DType.I64) {
        throw new UnsupportedException(
            "input '" + input.name() + "' is " + type + "; models are written in F32",
            "Declare it as F32");
      }
    }
    if (precision == OnnxPrecision.INT8
        && graph.nodes().stream()
            .noneMatch(
                n -> n.op() instanceof LayerOp.Linear || n.op() instanceof LayerOp.Embedding)) {
      throw new UnsupportedException(
          "8 bits, as '" + graph.name() + "' has neither a linear layer nor an embedding",
          "Write it as F32");
    }
  }

  private String of(String value) {
    return Objects.requireNonNull(values.get(value), value);
  }

  private String in(Node node, int index) {
    return of(node.inputs().get(index));
  }

  private String[] all(Node node) {
    return node.inputs().stream().map(this::of).toArray(String[]::new);
  }

  @Override
  public String linear(Node node, LayerOp.Linear op) {
    String x = in(node, 0);
    String product =
        quantized
            ? quantizedProduct(x, weights.quantizedMatrix(op.weight()))
            : program.apply("MatMul", x, weights.transposed(op.weight()));
    return op.bias() == null ? product : program.apply("Add", product, weights.plain(op.bias()));
  }

  /**
   * Each row gets a scale of its own, so that it does not depend on the others of its batch, and
   * the outliers of one token do not cost the others their precision.
   */
  private String quantizedProduct(String x, WeightTensors.Quantized weight) {
    String zero = weights.zeroPoint();
    String largest = lastAxis("ReduceMax", program.apply("Abs", x));
    String bounded = program.apply("Max", largest, program.scalar(LEAST_LENGTH));
    String step = scaled(bounded, 1.0 / WeightTensors.LEVELS);
    String steps = program.apply("Div", x, step);
    String numbers = program.apply("QuantizeLinear", steps, program.scalar(1.0), zero);
    String sums = program.apply("MatMulInteger", numbers, weight.numbers(), zero, zero);
    String inSteps = program.apply("Mul", program.cast(sums, ElementType.FLOAT), step);
    return program.apply("Mul", inSteps, weight.scales());
  }

  @Override
  public String embedding(Node node, LayerOp.Embedding op) {
    String ids = in(node, 0);
    if (!quantized) {
      return program.apply("Gather", weights.plain(op.weight()), ids);
    }
    WeightTensors.Quantized table = weights.quantizedTable(op.weight());
    String rows = program.cast(program.apply("Gather", table.numbers(), ids), ElementType.FLOAT);
    String scales = program.unsqueeze(program.apply("Gather", table.scales(), ids), -1);
    String zero = program.scalar((double) WeightTensors.ZERO_POINT);
    return program.apply("Mul", program.apply("Sub", rows, zero), scales);
  }

  @Override
  public String conv2d(Node node, LayerOp.Conv2d op) {
    Map<String, Object> attributes =
        Map.of("strides", twice(op.stride()), "pads", padding(op.padding()));
    String weight = weights.plain(op.weight());
    return op.bias() == null
        ? program.apply("Conv", attributes, in(node, 0), weight)
        : program.apply("Conv", attributes, in(node, 0), weight, weights.plain(op.bias()));
  }

  private static List<Long> twice(long value) {
    return List.of(value, value);
  }

  private static List<Long> padding(long value) {
    return List.of(value, value, value, value);
  }

  /**
   * The values are centred first, as ONNX Runtime takes the variance for the mean square less the
   * square of the mean, which cancels where values are nearly equal.
   */
  @Override
  public String layerNorm(Node node, LayerOp.LayerNorm op) {
    Map<String, Object> attributes = Map.of("axis", -1L, "epsilon", op.epsilon());
    String x = program.apply("Sub", in(node, 0), lastAxis("ReduceMean", in(node, 0)));
    String weight = weights.plain(op.weight());
    return op.bias() == null
        ? program.apply("LayerNormalization", attributes, x, weight)
        : program.apply("LayerNormalization", attributes, x, weight, weights.plain(op.bias()));
  }

  @Override
  public String rmsNorm(Node node, LayerOp.RmsNorm op) {
    String weight = weights.plus(op.weight(), op.offset());
    Shape shape = node.type().shape();
    long size = shape.dim(-1).offset();
    long run = weights.size(op.weight());
    if (shape.dim(-1).fixed() && size == run) {
      return rmsNorm(in(node, 0), weight, op.epsilon());
    }
    String runs = program.reshape(in(node, 0), SequenceNodes.keeping(shape.rank() - 1, -1, run));
    return program.reshape(
        rmsNorm(runs, weight, op.epsilon()), SequenceNodes.keeping(shape.rank() - 1, size));
  }

  private String rmsNorm(String x, String weight, double epsilon) {
    String mean = lastAxis("ReduceMean", program.apply("Mul", x, x));
    String root = program.apply("Sqrt", program.apply("Add", mean, program.scalar(epsilon)));
    return program.apply("Mul", program.apply("Div", x, root), weight);
  }

  private String lastAxis(String operation, String value) {
    return program.apply(operation, Map.of("axes", List.of(-1L), "keepdims", 1L), value);
  }

  @Override
  public String batchNorm(Node node, LayerOp.BatchNorm op) {
    return program.apply(
        "BatchNormalization",
        Map.of("epsilon", op.epsilon()),
        in(node, 0),
        weights.plain(op.weight()),
        weights.plain(op.bias()),
        weights.plain(op.mean()),
        weights.plain(op.variance()));
  }

  /** ONNX has the gates input, output, forget, cell. */
  @Override
  public String lstm(Node node, LayerOp.Lstm op) {
    int[] order = {0, 3, 1, 2};
    return recurrent(
        "LSTM",
        Map.of("hidden_size", weights.size(op.hiddenBias()) / order.length),
        in(node, 0),
        weights.gates(List.of(op.inputWeight()), order),
        weights.gates(List.of(op.hiddenWeight()), order),
        weights.gates(List.of(op.inputBias(), op.hiddenBias()), order));
  }

  /** ONNX has the gates update, reset, hidden. */
  @Override
  public String gru(Node node, LayerOp.Gru op) {
    int[] order = {1, 0, 2};
    return recurrent(
        "GRU",
        Map.of(
            "hidden_size", weights.size(op.hiddenBias()) / order.length, "linear_before_reset", 1L),
        in(node, 0),
        weights.gates(List.of(op.inputWeight()), order),
        weights.gates(List.of(op.hiddenWeight()), order),
        weights.gates(List.of(op.inputBias(), op.hiddenBias()), order));
  }

  /** The operators have time before the batch, and an axis of directions in the result. */
  private String recurrent(
      String operation, Map<String, Object> attributes, String x, String w, String r, String b) {
    String steps = program.transpose(x, 1, 0, 2);
    String states = program.apply(operation, attributes, steps, w, r, b);
    return program.transpose(program.apply("Squeeze", states, program.vector(1)), 1, 0, 2);
  }

  @Override
  public String adapterLinear(Node node, LayerOp.AdapterLinear op) {
    String adapter = in(node, 1);
    String down = program.apply("Gather", weights.transposed(op.a()), adapter);
    String up = program.apply("Gather", weights.transposed(op.b()), adapter);
    return program.apply("MatMul", program.apply("MatMul", in(node, 0), down), up);
  }

  @Override
  public String virtualTokens(Node node, LayerOp.VirtualTokens op) {
    String tokens = weights.plain(op.weight());
    return sequences.virtualTokens(node, tokens, weights.size(op.weight()), in(node, 0));
  }

  @Override
  public String positionIds(Node node, SequenceOp.PositionIds op) {
    return sequences.positionIds(node, op);
  }

  @Override
  public String rope(Node node, SequenceOp.Rope op) {
    return sequences.rope(node, op, all(node));
  }

  @Override
  public String attention(Node node, SequenceOp.Attention op) {
    return sequences.attention(node, op, all(node));
  }

  @Override
  public String sequencePool(Node node, SequenceOp.SequencePool op) {
    return sequences.pool(node, op, all(node));
  }

  @Override
  public String constantIds(Node node, SequenceOp.ConstantIds op) {
    return program.filled(program.scalar(op.id()), node.type().shape());
  }

  @Override
  public String prepend(Node node, SequenceOp.Prepend op) {
    return sequences.prepend(node, op, in(node, 0));
  }

  @Override
  public String skip(Node node, SequenceOp.Skip op) {
    return program.slice(in(node, 0), 1, op.count(), Long.MAX_VALUE);
  }

  @Override
  public String activation(Node node, ElementOp.Activation op) {
    String x = in(node, 0);
    return switch (op.kind()) {
      case RELU -> program.apply("Relu", x);
      case GELU -> {
        String quotient = program.apply("Div", x, program.scalar(Math.sqrt(2)));
        yield gelu(x, program.apply("Erf", quotient));
      }
      case GELU_TANH -> {
        String cube = program.apply("Mul", program.apply("Mul", x, x), x);
        String sum = program.apply("Add", x, scaled(cube, TANH_GELU_CUBE));
        yield gelu(x, program.apply("Tanh", scaled(sum, Math.sqrt(2 / Math.PI))));
      }
      case SILU -> program.apply("Mul", x, program.apply("Sigmoid", x));
      case TANH -> program.apply("Tanh", x);
      case SIGMOID -> program.apply("Sigmoid", x);
      case LEAKY_RELU -> program.apply("LeakyRelu", Map.of("alpha", 0.01), x);
      case ELU -> program.apply("Elu", Map.of("alpha", 1.0), x);
      case SOFTPLUS -> program.apply("Softplus", x);
    };
  }

  /** {@code x / 2 (1 + share)}. */
  private String gelu(String x, String share) {
    String both = program.apply("Add", share, program.scalar(1.0));
    return program.apply("Mul", scaled(x, 0.5), both);
  }

  private String scaled(String x, double factor) {
    return program.apply("Mul", x, program.scalar(factor));
  }

  @Override
  public String add(Node node, ElementOp.Add op) {
    return program.apply("Add", all(node));
  }

  @Override
  public String multiply(Node node, ElementOp.Multiply op) {
    return program.apply("Mul", all(node));
  }

  @Override
  public String scale(Node node, ElementOp.Scale op) {
    return scaled(in(node, 0), op.factor());
  }

  @Override
  public String softmax(Node node, ElementOp.Softmax op) {
    return program.apply("Softmax", LAST_AXIS, in(node, 0));
  }

  @Override
  public String logSoftmax(Node node, ElementOp.LogSoftmax op) {
    return program.apply("LogSoftmax", LAST_AXIS, in(node, 0));
  }

  @Override
  public String dropout(Node node, ElementOp.Dropout op) {
    return in(node, 0);
  }

  @Override
  public String normalize(Node node, ElementOp.Normalize op) {
    String length = lastAxis("ReduceL2", in(node, 0));
    return program.apply(
        "Div", in(node, 0), program.apply("Max", length, program.scalar(LEAST_LENGTH)));
  }

  @Override
  public String reshape(Node node, ShapeOp.Reshape op) {
    long[] sizes = op.sizes().stream().mapToLong(Long::longValue).toArray();
    return program.reshape(in(node, 0), SequenceNodes.keeping(1, sizes));
  }

  @Override
  public String transpose(Node node, ShapeOp.Transpose op) {
    return program.transpose(
        in(node, 0), op.axes().stream().mapToLong(Integer::longValue).toArray());
  }

  @Override
  public String concat(Node node, ShapeOp.Concat op) {
    return program.concat(op.axis(), all(node));
  }

  @Override
  public String slice(Node node, ShapeOp.Slice op) {
    return program.slice(in(node, 0), op.axis(), op.from(), op.to());
  }

  @Override
  public String reduce(Node node, ShapeOp.Reduce op) {
    List<Long> axes = op.axes().stream().map(Integer::longValue).toList();
    return switch (op.statistic()) {
      case MEAN -> program.apply("ReduceMean", Map.of("axes", axes, "keepdims", 0L), in(node, 0));
      case MAX -> program.apply("ReduceMax", Map.of("axes", axes, "keepdims", 0L), in(node, 0));
      case SUM ->
          program.apply(
              "ReduceSum",
              Map.of("keepdims", 0L),
              in(node, 0),
              program.vector(axes.stream().mapToLong(Long::longValue).toArray()));
    };
  }

  @Override
  public String pool2d(Node node, ShapeOp.Pool2d op) {
    Map<String, Object> window =
        Map.of(
            "kernel_shape", twice(op.kernel()),
            "strides", twice(op.stride()),
            "pads", padding(op.padding()));
    if (op.kind() == ShapeOp.Pool2d.Kind.MAX) {
      return program.apply("MaxPool", window, in(node, 0));
    }
    Map<String, Object> attributes = new HashMap<>(window);
    attributes.put("count_include_pad", 1L);
    return program.apply("AveragePool", attributes, in(node, 0));
  }

  @Override
  public String crossEntropy(Node node, LossOp.CrossEntropy op) {
    throw loss(node);
  }

  @Override
  public String binaryCrossEntropy(Node node, LossOp.BinaryCrossEntropy op) {
    throw loss(node);
  }

  @Override
  public String meanSquaredError(Node node, LossOp.MeanSquaredError op) {
    throw loss(node);
  }

  @Override
  public String huber(Node node, LossOp.Huber op) {
    throw loss(node);
  }

  @Override
  public String sequenceLogProbability(Node node, LossOp.SequenceLogProbability op) {
    throw loss(node);
  }

  @Override
  public String preference(Node node, LossOp.Preference op) {
    throw loss(node);
  }

  @Override
  public String contrastive(Node node, LossOp.Contrastive op) {
    throw loss(node);
  }

  private static UnsupportedException loss(Node node) {
    return new UnsupportedException(
        "an output depends on '" + node.name() + "', which is a loss and belongs to training",
        "Give out what the loss is computed from");
  }
}
