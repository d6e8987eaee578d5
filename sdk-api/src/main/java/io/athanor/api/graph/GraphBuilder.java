package io.athanor.api.graph;

import io.athanor.api.error.GraphException;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.SequenceOp.SequencePool;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Builds a {@link Graph} operation by operation. Every method checks types and shapes at once and
 * throws {@link GraphException} naming the layer. Layer methods declare their parameters as {@code
 * layer.weight}, {@code layer.bias} and so on. Not thread-safe.
 */
public final class GraphBuilder {
  private final String name;
  private final Map<String, Input> inputs = new LinkedHashMap<>();
  private final Map<String, Parameter> parameters = new LinkedHashMap<>();
  private final Map<String, Node> nodes = new LinkedHashMap<>();
  private final Map<String, String> outputs = new LinkedHashMap<>();
  private Optional<String> loss = Optional.empty();

  GraphBuilder(String name) {
    this.name = name;
  }

  /** Declares an input known when predicting. */
  public Value input(String input, TensorType type) {
    return declare(new Input(input, type, Input.Role.FEATURE));
  }

  /** Declares an input known only in training. */
  public Value target(String input, TensorType type) {
    return declare(new Input(input, type, Input.Role.TARGET));
  }

  /** Declares an input. */
  public Value declare(Input input) {
    if (nodes.containsKey(input.name()) || inputs.put(input.name(), input) != null) {
      throw new GraphException(input.name(), "there is already a value of this name");
    }
    return new Value(input.name(), input.type());
  }

  /** Declares a trained parameter and returns its name. */
  public String parameter(String parameter, Initializer initializer, long... shape) {
    if (Arrays.stream(shape).anyMatch(size -> size < 1)) {
      throw new GraphException(
          parameter, "expected sizes of at least 1, got shape " + Arrays.toString(shape));
    }
    return declare(new Parameter(parameter, Shape.of(shape), initializer, Parameter.Role.TRAINED));
  }

  /** Declares a parameter and returns its name. */
  public String declare(Parameter parameter) {
    if (parameters.put(parameter.name(), parameter) != null) {
      throw new GraphException(parameter.name(), "there is already a parameter of this name");
    }
    return parameter.name();
  }

  /**
   * Appends any operation.
   *
   * @param layer unique name of the node
   */
  public Value apply(String layer, Op op, Value... from) {
    if (nodes.containsKey(layer) || inputs.containsKey(layer)) {
      throw new GraphException(layer, "there is already a value of this name");
    }
    List<TensorType> types = new ArrayList<>();
    for (Value value : from) {
      types.add(typeOf(layer, value));
    }
    TensorType type =
        new Inference(
                layer,
                types,
                n -> {
                  Parameter p = parameters.get(n);
                  return p == null ? null : p.shape();
                })
            .of(op);
    nodes.put(layer, new Node(layer, op, Arrays.stream(from).map(Value::name).toList(), type));
    return new Value(layer, type);
  }

  private TensorType typeOf(String layer, Value value) {
    Input input = inputs.get(value.name());
    Node node = nodes.get(value.name());
    TensorType known = input != null ? input.type() : node != null ? node.type() : null;
    if (known == null || !known.equals(value.type())) {
      throw new GraphException(layer, "value '" + value.name() + "' is not of this graph");
    }
    return known;
  }

  private Value anonymous(String kind, Op op, Value... from) {
    int n = nodes.size();
    while (nodes.containsKey(kind + "_" + n)) {
      n++;
    }
    return apply(kind + "_" + n, op, from);
  }

  private long last(String layer, Value x) {
    if (x.shape().rank() == 0 || !x.shape().dim(-1).fixed()) {
      throw new GraphException(layer, "expected input 0 with a fixed last size, got " + x.type());
    }
    return x.shape().dim(-1).offset();
  }

  /** {@link LayerOp.Linear} with bias, Xavier-initialised: {@code [.., in] -> [.., out]}. */
  public Value linear(String layer, Value x, long out) {
    long in = last(layer, x);
    return apply(
        layer,
        new LayerOp.Linear(
            parameter(layer + ".weight", Initializer.xavier(in, out), out, in),
            parameter(layer + ".bias", Initializer.ZEROS, out)),
        x);
  }

  /** {@link LayerOp.Linear} without bias. */
  public Value linearWithoutBias(String layer, Value x, long out) {
    long in = last(layer, x);
    return apply(
        layer,
        new LayerOp.Linear(
            parameter(layer + ".weight", Initializer.xavier(in, out), out, in), null),
        x);
  }

  /** {@link LayerOp.Embedding}: {@code I64 [..] -> [.., size]}. */
  public Value embedding(String layer, Value ids, long rows, long size, double deviation) {
    return apply(
        layer,
        new LayerOp.Embedding(
            parameter(layer + ".weight", new Initializer.Normal(deviation), rows, size)),
        ids);
  }

  /** {@link LayerOp.Conv2d} with bias, He-initialised. */
  public Value conv2d(String layer, Value x, long out, int kernel, int stride, int padding) {
    if (x.shape().rank() != 4 || !x.shape().dim(1).fixed()) {
      throw new GraphException(
          layer, "expected input 0 of shape [batch, channels, height, width], got " + x.type());
    }
    long in = x.shape().dim(1).offset();
    return apply(
        layer,
        new LayerOp.Conv2d(
            parameter(
                layer + ".weight", Initializer.he(in * kernel * kernel), out, in, kernel, kernel),
            parameter(layer + ".bias", Initializer.ZEROS, out),
            stride,
            padding),
        x);
  }

  /** {@link LayerOp.LayerNorm} with bias. */
  public Value layerNorm(String layer, Value x, double epsilon) {
    long size = last(layer, x);
    return apply(
        layer,
        new LayerOp.LayerNorm(
            parameter(layer + ".weight", Initializer.ONES, size),
            parameter(layer + ".bias", Initializer.ZEROS, size),
            epsilon),
        x);
  }

  /** {@link LayerOp.RmsNorm}. */
  public Value rmsNorm(String layer, Value x, double epsilon) {
    long size = last(layer, x);
    return apply(
        layer,
        new LayerOp.RmsNorm(parameter(layer + ".weight", Initializer.ONES, size), epsilon),
        x);
  }

  /** {@link LayerOp.BatchNorm} with epsilon 1e-5 and momentum 0.1. */
  public Value batchNorm(String layer, Value x) {
    if (x.shape().rank() < 2 || !x.shape().dim(1).fixed()) {
      throw new GraphException(
          layer, "expected input 0 of shape [batch, channels, ..], got " + x.type());
    }
    long size = x.shape().dim(1).offset();
    return apply(
        layer,
        new LayerOp.BatchNorm(
            parameter(layer + ".weight", Initializer.ONES, size),
            parameter(layer + ".bias", Initializer.ZEROS, size),
            declare(statistic(layer + ".running_mean", Initializer.ZEROS, size)),
            declare(statistic(layer + ".running_var", Initializer.ONES, size)),
            1e-5,
            0.1),
        x);
  }

  private static Parameter statistic(String name, Initializer initializer, long size) {
    return new Parameter(name, Shape.of(size), initializer, Parameter.Role.STATISTIC);
  }

  /** {@link LayerOp.Lstm}: {@code [b, t, in] -> [b, t, hidden]}. */
  public Value lstm(String layer, Value x, long hidden) {
    List<String> names = recurrent(layer, x, hidden, 4);
    return apply(
        layer, new LayerOp.Lstm(names.get(0), names.get(1), names.get(2), names.get(3)), x);
  }

  /** {@link LayerOp.Gru}: {@code [b, t, in] -> [b, t, hidden]}. */
  public Value gru(String layer, Value x, long hidden) {
    List<String> names = recurrent(layer, x, hidden, 3);
    return apply(layer, new LayerOp.Gru(names.get(0), names.get(1), names.get(2), names.get(3)), x);
  }

  private List<String> recurrent(String layer, Value x, long hidden, int gates) {
    Initializer initializer = new Initializer.Uniform(1 / Math.sqrt((double) hidden));
    return List.of(
        parameter(layer + ".weight_ih_l0", initializer, gates * hidden, last(layer, x)),
        parameter(layer + ".weight_hh_l0", initializer, gates * hidden, hidden),
        parameter(layer + ".bias_ih_l0", initializer, gates * hidden),
        parameter(layer + ".bias_hh_l0", initializer, gates * hidden));
  }

  /** {@link SequenceOp.PositionIds} from 0. */
  public Value positionIds(Value x) {
    return anonymous("positions", new SequenceOp.PositionIds(0), x);
  }

  /** {@link SequenceOp.Rope} with positions counted from 0. */
  public Value rope(Value x, int headSize, double base) {
    return anonymous("rope", new SequenceOp.Rope(headSize, base), x);
  }

  /** {@link SequenceOp.Attention} with the usual scale; the mask is optional. */
  public Value attention(
      String layer,
      int heads,
      boolean causal,
      double dropout,
      Value q,
      Value k,
      Value v,
      Value... mask) {
    double scale = 1 / Math.sqrt((double) last(layer, q) / heads);
    int keyHeads = (int) (last(layer, k) * heads / last(layer, q));
    SequenceOp.Attention op =
        new SequenceOp.Attention(heads, Math.max(1, keyHeads), causal, dropout, scale);
    return apply(layer, op, followedBy(mask, q, k, v));
  }

  /** {@link SequenceOp.SequencePool}; the mask is optional. */
  public Value sequencePool(SequencePool.Kind kind, Value x, Value... mask) {
    SequencePool op = new SequencePool(kind);
    return anonymous("sequence_pool", op, followedBy(mask, x));
  }

  private static Value[] followedBy(Value[] last, Value... first) {
    return Stream.of(first, last).flatMap(Arrays::stream).toArray(Value[]::new);
  }

  /** {@link ElementOp.Activation}. */
  public Value activation(Activation.Kind kind, Value x) {
    return anonymous(kind.name().toLowerCase(Locale.ROOT), new Activation(kind), x);
  }

  /** {@link Activation.Kind#RELU}. */
  public Value relu(Value x) {
    return activation(Activation.Kind.RELU, x);
  }

  /** {@link Activation.Kind#GELU}. */
  public Value gelu(Value x) {
    return activation(Activation.Kind.GELU, x);
  }

  /** {@link ElementOp.Add}. */
  public Value add(Value a, Value b) {
    return anonymous("add", new ElementOp.Add(), a, b);
  }

  /** {@link ElementOp.Multiply}. */
  public Value multiply(Value a, Value b) {
    return anonymous("multiply", new ElementOp.Multiply(), a, b);
  }

  /** {@link ElementOp.Scale}. */
  public Value scale(Value x, double factor) {
    return anonymous("scale", new ElementOp.Scale(factor), x);
  }

  /** {@link ElementOp.Softmax}. */
  public Value softmax(Value x) {
    return anonymous("softmax", new ElementOp.Softmax(), x);
  }

  /** {@link ElementOp.LogSoftmax}. */
  public Value logSoftmax(Value x) {
    return anonymous("log_softmax", new ElementOp.LogSoftmax(), x);
  }

  /** {@link ElementOp.Dropout}; a rate of 0 adds nothing. */
  public Value dropout(Value x, double rate) {
    ElementOp.Dropout op = new ElementOp.Dropout(rate);
    return rate == 0 ? x : anonymous("dropout", op, x);
  }

  /** {@link ShapeOp.Reshape}: {@code [b, ..] -> [b, sizes..]}. */
  public Value reshape(Value x, long... sizes) {
    return anonymous("reshape", new ShapeOp.Reshape(Arrays.stream(sizes).boxed().toList()), x);
  }

  /** {@link ShapeOp.Reshape} of {@code [b, ..]} to {@code [b, n]}. */
  public Value flatten(Value x) {
    if (x.shape().rank() < 1 || !new Shape(x.shape().dims().subList(1, x.shape().rank())).fixed()) {
      throw new GraphException(
          x.name(), "expected [batch, ..] with fixed sizes to flatten, got " + x.type());
    }
    long elements = 1;
    for (Dim dim : x.shape().dims().subList(1, x.shape().rank())) {
      elements = Math.multiplyExact(elements, dim.offset());
    }
    return reshape(x, elements);
  }

  /** {@link ShapeOp.Transpose}. */
  public Value transpose(Value x, Integer... axes) {
    return anonymous("transpose", new ShapeOp.Transpose(List.of(axes)), x);
  }

  /** {@link ShapeOp.Concat}. */
  public Value concat(int axis, Value... values) {
    return anonymous("concat", new ShapeOp.Concat(axis), values);
  }

  /** {@link ShapeOp.Slice}. */
  public Value slice(Value x, int axis, long from, long to) {
    return anonymous("slice", new ShapeOp.Slice(axis, from, to), x);
  }

  /** {@link ShapeOp.Reduce}. */
  public Value reduce(ShapeOp.Reduce.Statistic statistic, Value x, Integer... axes) {
    return anonymous("reduce", new ShapeOp.Reduce(statistic, List.of(axes)), x);
  }

  /** {@link ShapeOp.Pool2d} of windows side by side. */
  public Value pool2d(ShapeOp.Pool2d.Kind kind, Value x, int kernel) {
    return anonymous("pool2d", new ShapeOp.Pool2d(kind, kernel, kernel, 0), x);
  }

  /** {@link LossOp.CrossEntropy} without smoothing. */
  public Value crossEntropy(Value logits, Value targets) {
    return anonymous("cross_entropy", new LossOp.CrossEntropy(0), logits, targets);
  }

  /** {@link LossOp.BinaryCrossEntropy}. */
  public Value binaryCrossEntropy(Value logits, Value targets) {
    return anonymous("binary_cross_entropy", new LossOp.BinaryCrossEntropy(), logits, targets);
  }

  /** {@link LossOp.MeanSquaredError}. */
  public Value meanSquaredError(Value predictions, Value targets) {
    return anonymous("mean_squared_error", new LossOp.MeanSquaredError(), predictions, targets);
  }

  /** Names a value as an output. */
  public GraphBuilder output(String output, Value value) {
    typeOf(output, value);
    if (outputs.put(output, value.name()) != null) {
      throw new GraphException(output, "there is already an output of this name");
    }
    return this;
  }

  /** Names the scalar value to minimise. */
  public GraphBuilder loss(Value value) {
    typeOf("loss", value);
    loss = Optional.of(value.name());
    return this;
  }

  /**
   * The finished graph.
   *
   * @throws GraphException if there is no output, the loss is not a scalar, an output depends on a
   *     target, or a parameter is unused
   */
  public Graph build() {
    return new Graph(
        name, inputs.values(), parameters.values(), List.copyOf(nodes.values()), outputs, loss);
  }
}
