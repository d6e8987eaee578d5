package io.athanor.backend.djl;

import io.athanor.api.common.DType;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.OpVisitor;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.QuantizedOp;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Writes the TorchScript statements of a forward pass. Each visit returns the expression of a
 * node's result; what needs several statements appends the earlier ones first. One for each method
 * body.
 */
final class OpWriter implements OpVisitor<String> {
  private final Graph graph;
  private final Target target;
  private final boolean training;
  private final StringBuilder body;
  private final Map<String, String> parameters = new HashMap<>();
  private final Map<String, String> variables = new HashMap<>();
  private final SequenceWriter sequences;
  private final LossWriter losses = new LossWriter(this);
  private final QuantizedLayers quantized;
  private final List<String> order;
  private int temporaries;
  private boolean repeating;

  /**
   * @param training whether dropout and batch statistics are on; then a variable {@code base}, the
   *     seed, is in scope where the graph draws random numbers
   * @param body where statements go; a variable {@code p} with all parameters is in scope
   */
  OpWriter(Graph graph, Target target, boolean training, StringBuilder body) {
    this.graph = graph;
    this.target = target;
    this.training = training;
    this.body = body;
    for (Parameter parameter : graph.parameters()) {
      parameters.put(parameter.name(), "p[" + parameters.size() + "]");
    }
    this.sequences = new SequenceWriter(this);
    this.quantized = new QuantizedLayers(graph);
    this.order = graph.nodes().stream().map(Node::name).toList();
  }

  Target target() {
    return target;
  }

  SequenceWriter sequences() {
    return sequences;
  }

  /** Declares that an input of the graph is the value of an expression. */
  void input(String name, String expression) {
    variables.put(name, assign(target.brought(expression)));
  }

  /** Appends the statements of a node. */
  void node(Node node) {
    variables.put(node.name(), assign(node.op().accept(this, node)));
  }

  /**
   * Appends a node some of whose inputs and parameters are other variables.
   *
   * @return the variable of its result
   */
  String substituted(Node node, Map<String, String> values, Map<String, String> weights) {
    Map<String, String> hiddenValues = Map.copyOf(variables);
    Map<String, String> hiddenWeights = Map.copyOf(parameters);
    variables.putAll(values);
    parameters.putAll(weights);
    String result = assign(node.op().accept(this, node));
    variables.putAll(hiddenValues);
    parameters.putAll(hiddenWeights);
    return result;
  }

  /** Declares which variable is a node's result. */
  void result(Node node, String variable) {
    variables.put(node.name(), variable);
  }

  /** The variable that holds a value. */
  String variable(String value) {
    return variables.getOrDefault(value, value);
  }

  /** The variable of a node's input. */
  String in(Node node, int index) {
    return variable(node.inputs().get(index));
  }

  /** Appends an assignment and returns the new variable. */
  String assign(String expression) {
    return assign(1, expression).get(0);
  }

  /** Appends the assignment of several results and returns the new variables. */
  List<String> assign(int count, String expression) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      names.add("v" + temporaries++);
    }
    statement(String.join(", ", names) + " = " + expression);
    return names;
  }

  void statement(String statement) {
    body.append("    ").append(statement).append('\n');
  }

  /** From now on nodes are written a second time, with the same results and no other effects. */
  void repeat() {
    repeating = true;
  }

  boolean training() {
    return training;
  }

  /** The size of a parameter along an axis. */
  long size(String parameter, int axis) {
    return graph.parameter(parameter).shape().dim(axis).offset();
  }

  /** The size of one axis of a node's input: a literal where fixed. */
  String size(Node node, int index, int axis) {
    var dim = graph.type(node.inputs().get(index)).shape().dim(axis);
    return dim.fixed()
        ? Long.toString(dim.offset())
        : sequences.once("size " + dim, () -> call("size", in(node, index), axis));
  }

  DType dtype(Node node, int index) {
    return graph.type(node.inputs().get(index)).dtype();
  }

  /** The size of one axis of a node's input, fixed by the graph's rules. */
  long fixed(Node node, int index, int axis) {
    return graph.type(node.inputs().get(index)).shape().dim(axis).offset();
  }

  int rank(Node node, int index) {
    return graph.type(node.inputs().get(index)).shape().rank();
  }

  String parameter(@Nullable String name) {
    return name == null ? "None" : Objects.requireNonNull(parameters.get(name), name);
  }

  /** A parameter as products read it, rounded once for all of them. */
  String rounded(@Nullable String name) {
    String parameter = parameter(name);
    return target.rounds() && name != null
        ? sequences.once("rounded " + parameter, () -> target.rounded(parameter))
        : parameter;
  }

  String parameters(List<String> names) {
    return names.stream().map(this::parameter).collect(Collectors.joining(", ", "[", "]"));
  }

  static String call(String function, Object... arguments) {
    StringBuilder text = new StringBuilder("torch.").append(function).append('(');
    for (int i = 0; i < arguments.length; i++) {
      text.append(i > 0 ? ", " : "").append(literal(arguments[i]));
    }
    return text.append(')').toString();
  }

  private static String literal(Object value) {
    if (value instanceof Double number) {
      return number(number);
    }
    return value instanceof Boolean flag ? (flag ? "True" : "False") : value.toString();
  }

  /** A float literal that keeps every bit. */
  static String number(double value) {
    return Double.toString(value).replace('E', 'e');
  }

  static String pair(int value) {
    return "[" + value + ", " + value + "]";
  }

  @Override
  public String linear(Node node, LayerOp.Linear op) {
    String x = target.rounded(in(node, 0));
    return target.full(call("linear", x, rounded(op.weight()), rounded(op.bias())));
  }

  @Override
  public String embedding(Node node, LayerOp.Embedding op) {
    return target.full(call("embedding", parameter(op.weight()), in(node, 0)));
  }

  @Override
  public String quantizedLinear(Node node, QuantizedOp.QuantizedLinear op) {
    return quantized.linear(this, node, op);
  }

  @Override
  public String quantizedEmbedding(Node node, QuantizedOp.QuantizedEmbedding op) {
    return quantized.embedding(this, node, op);
  }

  @Override
  public String conv2d(Node node, LayerOp.Conv2d op) {
    return target.full(
        call(
            "conv2d",
            target.rounded(in(node, 0)),
            rounded(op.weight()),
            rounded(op.bias()),
            pair(op.stride()),
            pair(op.padding()),
            "[1, 1]",
            1));
  }

  @Override
  public String layerNorm(Node node, LayerOp.LayerNorm op) {
    long size = graph.parameter(op.weight()).shape().elements();
    return call(
        "layer_norm",
        in(node, 0),
        "[" + size + "]",
        parameter(op.weight()),
        parameter(op.bias()),
        op.epsilon());
  }

  @Override
  public String rmsNorm(Node node, LayerOp.RmsNorm op) {
    RmsNormWriter norm = new RmsNormWriter(this, graph, node, op);
    String x = norm.runs(in(node, 0));
    return norm.joined(RmsNormWriter.rescaled(x, norm.reciprocal(x), norm.weight()));
  }

  @Override
  public String batchNorm(Node node, LayerOp.BatchNorm op) {
    return call(
        "batch_norm",
        in(node, 0),
        parameter(op.weight()),
        parameter(op.bias()),
        running(op),
        training,
        op.momentum(),
        op.epsilon(),
        false);
  }

  /** The running statistics to move: none when repeating, as they have moved already. */
  String running(LayerOp.BatchNorm op) {
    return repeating ? "None, None" : parameter(op.mean()) + ", " + parameter(op.variance());
  }

  @Override
  public String lstm(Node node, LayerOp.Lstm op) {
    return sequences.lstm(node, op);
  }

  @Override
  public String gru(Node node, LayerOp.Gru op) {
    return sequences.gru(node, op);
  }

  @Override
  public String foreign(Node node, LayerOp.Foreign op) {
    return ForeignScript.of(node.name(), op).call(this, node, op);
  }

  @Override
  public String positionIds(Node node, SequenceOp.PositionIds op) {
    return sequences.positionIds(node, op);
  }

  @Override
  public String rope(Node node, SequenceOp.Rope op) {
    return sequences.rope(node, op);
  }

  @Override
  public String attention(Node node, SequenceOp.Attention op) {
    return sequences.attention(node, op);
  }

  @Override
  public String sequencePool(Node node, SequenceOp.SequencePool op) {
    return sequences.pool(node, op);
  }

  @Override
  public String activation(Node node, ElementOp.Activation op) {
    String x = in(node, 0);
    return switch (op.kind()) {
      case RELU -> call("relu", x);
      case GELU -> "torch.gelu(" + x + ")";
      case GELU_TANH -> "torch.gelu(" + x + ", approximate=\"tanh\")";
      case SILU -> call("silu", x);
      case TANH -> call("tanh", x);
      case SIGMOID -> call("sigmoid", x);
      case LEAKY_RELU -> call("leaky_relu", x, 0.01);
      case ELU -> call("elu", x);
      case SOFTPLUS -> call("softplus", x);
    };
  }

  @Override
  public String add(Node node, ElementOp.Add op) {
    return call("add", in(node, 0), in(node, 1));
  }

  @Override
  public String multiply(Node node, ElementOp.Multiply op) {
    return call("mul", in(node, 0), in(node, 1));
  }

  @Override
  public String scale(Node node, ElementOp.Scale op) {
    return call("mul", in(node, 0), op.factor());
  }

  @Override
  public String softmax(Node node, ElementOp.Softmax op) {
    return call("softmax", in(node, 0), -1);
  }

  @Override
  public String logSoftmax(Node node, ElementOp.LogSoftmax op) {
    return call("log_softmax", in(node, 0), -1);
  }

  @Override
  public String dropout(Node node, ElementOp.Dropout op) {
    String x = in(node, 0);
    return training && op.rate() > 0 ? call("mul", x, mask(node, x, op.rate())) : x;
  }

  /**
   * What dropout multiplies by: 0 or {@code 1 / (1 - rate)}. Each node has a generator of its own,
   * so that writing it a second time draws the same.
   */
  String mask(Node node, String like, double rate) {
    String seed = call("add", "base", order.indexOf(node.name()));
    String generator = "";
    if (target.separate()) {
      // TorchScript makes no generators for devices; each has one, which can be seeded.
      statement(call("manual_seed", seed));
    } else {
      generator = ", generator=torch.Generator(seed=" + seed + ")";
    }
    String empty = call("empty_like", like);
    String kept = assign("torch.bernoulli_(" + empty + ", " + number(1 - rate) + generator + ")");
    return assign(call("div_", kept, 1 - rate));
  }

  @Override
  public String reshape(Node node, ShapeOp.Reshape op) {
    List<Object> sizes = new ArrayList<>(op.sizes());
    sizes.add(0, -1);
    return call("reshape", in(node, 0), sizes);
  }

  @Override
  public String transpose(Node node, ShapeOp.Transpose op) {
    return call("permute", in(node, 0), op.axes());
  }

  @Override
  public String concat(Node node, ShapeOp.Concat op) {
    return call("cat", node.inputs().stream().map(this::variable).toList(), op.axis());
  }

  @Override
  public String slice(Node node, ShapeOp.Slice op) {
    return call("slice", in(node, 0), op.axis(), op.from(), op.to());
  }

  @Override
  public String reduce(Node node, ShapeOp.Reduce op) {
    String function =
        switch (op.statistic()) {
          case MEAN -> "mean";
          case SUM -> "sum";
          case MAX -> "amax";
        };
    return call(function, in(node, 0), op.axes());
  }

  @Override
  public String pool2d(Node node, ShapeOp.Pool2d op) {
    String x = channelsLast(in(node, 0));
    return call(
        "contiguous",
        op.kind() == ShapeOp.Pool2d.Kind.MAX
            ? call("max_pool2d", x, window(op))
            : call("avg_pool2d", x, window(op), false, true));
  }

  /**
   * The same values with the channels of a pixel side by side: libtorch pools them several times
   * faster, which more than pays for the copy.
   */
  String channelsLast(String x) {
    return assign("torch.contiguous(" + x + ", memory_format=2)");
  }

  static String window(ShapeOp.Pool2d op) {
    return pair(op.kernel()) + ", " + pair(op.stride()) + ", " + pair(op.padding());
  }

  @Override
  public String crossEntropy(Node node, LossOp.CrossEntropy op) {
    return losses.crossEntropy(node, op);
  }

  @Override
  public String binaryCrossEntropy(Node node, LossOp.BinaryCrossEntropy op) {
    return call("binary_cross_entropy_with_logits", in(node, 0), in(node, 1));
  }

  @Override
  public String meanSquaredError(Node node, LossOp.MeanSquaredError op) {
    return call("mse_loss", in(node, 0), in(node, 1));
  }

  @Override
  public String huber(Node node, LossOp.Huber op) {
    return call("huber_loss", in(node, 0), in(node, 1), 1, op.delta());
  }

  /** The same numbers as 32-bit floats. */
  static String toFloat(String x) {
    return call("to", x, Target.F32);
  }

  @Override
  public String adapterLinear(Node node, LayerOp.AdapterLinear op) {
    return sequences.adapterLinear(node, op);
  }

  @Override
  public String virtualTokens(Node node, LayerOp.VirtualTokens op) {
    return sequences.virtualTokens(node, op);
  }

  @Override
  public String constantIds(Node node, SequenceOp.ConstantIds op) {
    return sequences.constantIds(node, op);
  }

  @Override
  public String prepend(Node node, SequenceOp.Prepend op) {
    return sequences.prepend(node, op);
  }

  @Override
  public String skip(Node node, SequenceOp.Skip op) {
    return sequences.skip(node, op);
  }

  @Override
  public String normalize(Node node, ElementOp.Normalize op) {
    return call("div", in(node, 0), sequences.length(in(node, 0)));
  }

  @Override
  public String sequenceLogProbability(Node node, LossOp.SequenceLogProbability op) {
    return losses.sequenceLogProbability(node);
  }

  @Override
  public String preference(Node node, LossOp.Preference op) {
    return losses.preference(losses.leads(node, op));
  }

  @Override
  public String contrastive(Node node, LossOp.Contrastive op) {
    return losses.contrastive(losses.pairs(op, losses.every(node, 0), losses.every(node, 1)));
  }
}
