package io.athanor.api.graph;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A model as data: inputs, named parameters, operations in topological order, named outputs and
 * optionally a loss. Checked completely when built. Immutable and thread-safe.
 */
public final class Graph {
  private final String name;
  private final Map<String, Input> inputs;
  private final Map<String, Parameter> parameters;
  private final Map<String, Node> nodes;
  private final Map<String, String> outputs;
  private final Optional<String> loss;

  /**
   * Checks and freezes a graph; most callers use {@link #builder}.
   *
   * @param nodes in an order in which each comes after its inputs
   * @param outputs output name to value name
   * @param loss name of a scalar value to minimise
   * @throws GraphException if names collide or dangle, or if shapes or types do not fit
   */
  Graph(
      String name,
      Collection<Input> inputs,
      Collection<Parameter> parameters,
      List<Node> nodes,
      Map<String, String> outputs,
      Optional<String> loss) {
    this.name = name;
    this.inputs = new LinkedHashMap<>();
    this.parameters = new LinkedHashMap<>();
    this.nodes = new LinkedHashMap<>();
    this.outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
    this.loss = loss;
    for (Input input : inputs) {
      if (this.inputs.put(input.name(), input) != null) {
        throw new GraphException(input.name(), "there are two inputs of this name");
      }
    }
    for (Parameter parameter : parameters) {
      if (this.parameters.put(parameter.name(), parameter) != null) {
        throw new GraphException(parameter.name(), "there are two parameters of this name");
      }
    }
    nodes.forEach(this::add);
    checkSizes();
    check();
  }

  /** Starts a graph. */
  public static GraphBuilder builder(String name) {
    return new GraphBuilder(name);
  }

  private void add(Node node) {
    if (inputs.containsKey(node.name()) || nodes.containsKey(node.name())) {
      throw new GraphException(node.name(), "there are two values of this name");
    }
    TensorType type = infer(node.name(), node.op(), node.inputs());
    if (!type.equals(node.type())) {
      throw new GraphException(
          node.name(), "expected result " + type + " of its inputs, got " + node.type());
    }
    nodes.put(node.name(), node);
  }

  private TensorType infer(String layer, Op op, List<String> from) {
    for (String input : from) {
      if (!inputs.containsKey(input) && !nodes.containsKey(input)) {
        throw new GraphException(layer, "there is no earlier value '" + input + "'");
      }
    }
    return new Inference(
            layer,
            from.stream().map(this::type).toList(),
            n -> {
              Parameter p = parameters.get(n);
              return p == null ? null : p.shape();
            })
        .of(op);
  }

  /** After this, byte counts of all parameters together fit a long, whatever the element type. */
  private void checkSizes() {
    long elements = 0;
    for (Parameter parameter : parameters.values()) {
      try {
        elements = Math.addExact(elements, parameter.shape().elements());
        Math.multiplyExact(elements, Double.BYTES);
      } catch (ArithmeticException e) {
        throw new GraphException(
            parameter.name(),
            "the parameters are too large to count, this one has shape " + parameter.shape());
      }
    }
  }

  private void check() {
    if (outputs.isEmpty()) {
      throw new GraphException(name, "a graph needs at least one output");
    }
    Set<String> fromTargets = fromTargets();
    outputs.forEach(
        (output, value) -> {
          if (!inputs.containsKey(value) && !nodes.containsKey(value)) {
            throw new GraphException(output, "there is no value '" + value + "' to put out");
          }
          if (fromTargets.contains(value)) {
            throw new GraphException(
                output, "an output cannot depend on a target, which is unknown when predicting");
          }
        });
    loss.ifPresent(
        value -> {
          if (!nodes.containsKey(value) || type(value).shape().rank() != 0) {
            throw new GraphException(value, "expected the loss to be a node of shape []");
          }
        });
    Set<String> used = new LinkedHashSet<>();
    nodes.values().forEach(node -> used.addAll(node.op().parameters()));
    for (String parameter : parameters.keySet()) {
      if (!used.contains(parameter)) {
        throw new GraphException(parameter, "no operation uses this parameter");
      }
    }
    for (Node node : nodes.values()) {
      if (node.op() instanceof LayerOp.BatchNorm norm) {
        checkStatistic(node, norm.mean());
        checkStatistic(node, norm.variance());
      }
      checkMatrices(node);
    }
  }

  /** Matrices of I8 are what quantised layers multiply by, and nothing else. */
  private void checkMatrices(Node node) {
    for (String name : node.op().parameters()) {
      DType wanted =
          node.op() instanceof QuantizedOp op && op.weight().equals(name) ? DType.I8 : DType.F32;
      if (parameter(name).type() != wanted) {
        throw new GraphException(
            node.name(),
            "expected parameter '"
                + name
                + "' of type "
                + wanted
                + ", got "
                + parameter(name).type());
      }
    }
  }

  private void checkStatistic(Node node, String statistic) {
    Parameter.Role role = parameter(statistic).role();
    if (role != Parameter.Role.STATISTIC) {
      throw new GraphException(
          node.name(), "expected parameter '" + statistic + "' to be a STATISTIC, got " + role);
    }
  }

  /** The values that depend on a target, targets included. */
  private Set<String> fromTargets() {
    Set<String> found = new HashSet<>();
    for (Input input : inputs.values()) {
      if (input.role() == Input.Role.TARGET) {
        found.add(input.name());
      }
    }
    for (Node node : nodes.values()) {
      if (node.inputs().stream().anyMatch(found::contains)) {
        found.add(node.name());
      }
    }
    return found;
  }

  /** The values that these depend on, themselves included. */
  private Set<String> ancestors(Collection<String> values) {
    Set<String> needed = new LinkedHashSet<>(values);
    List<Node> reversed = new ArrayList<>(nodes.values());
    Collections.reverse(reversed);
    for (Node node : reversed) {
      if (needed.contains(node.name())) {
        needed.addAll(node.inputs());
      }
    }
    return needed;
  }

  public String name() {
    return name;
  }

  /** The inputs, in the order they were declared. */
  public Collection<Input> inputs() {
    return Collections.unmodifiableCollection(inputs.values());
  }

  /** The parameters, in the order they were declared. */
  public Collection<Parameter> parameters() {
    return Collections.unmodifiableCollection(parameters.values());
  }

  /** The operations, each after its inputs. */
  public Collection<Node> nodes() {
    return Collections.unmodifiableCollection(nodes.values());
  }

  /** Output name to value name, in the order they were declared. */
  public Map<String, String> outputs() {
    return outputs;
  }

  /** The name of the scalar value to minimise, if the graph can be trained. */
  public Optional<String> loss() {
    return loss;
  }

  /**
   * A parameter by name.
   *
   * @throws GraphException if there is none of that name
   */
  public Parameter parameter(String parameter) {
    Parameter found = parameters.get(parameter);
    if (found == null) {
      throw new GraphException(parameter, "there is no parameter of this name in " + name);
    }
    return found;
  }

  /** Whether there is an input of this name. */
  public boolean hasInput(String input) {
    return inputs.containsKey(input);
  }

  /**
   * The type of an input or of a node's result.
   *
   * @throws GraphException if there is none of that name
   */
  public TensorType type(String value) {
    Input input = inputs.get(value);
    if (input != null) {
      return input.type();
    }
    Node node = nodes.get(value);
    if (node == null) {
      throw new GraphException(value, "there is no value of this name in " + name);
    }
    return node.type();
  }

  /** The number of elements of all parameters. */
  public long parameterCount() {
    return parameters.values().stream().mapToLong(p -> p.shape().elements()).sum();
  }

  /**
   * The names of the nodes whose result depends on a trained parameter: those a backward pass
   * meets.
   */
  public Set<String> differentiable() {
    Set<String> names = new LinkedHashSet<>();
    for (Node node : nodes.values()) {
      boolean depends =
          node.inputs().stream().anyMatch(names::contains)
              || node.op().parameters().stream().anyMatch(p -> parameter(p).trained());
      if (depends && node.type().dtype().floating()) {
        names.add(node.name());
      }
    }
    return Collections.unmodifiableSet(names);
  }

  /** The number of elements the optimizer updates. */
  public long trainedParameterCount() {
    return parameters.values().stream()
        .filter(Parameter::trained)
        .mapToLong(p -> p.shape().elements())
        .sum();
  }

  /**
   * Checks that there is a tensor of the right type and shape for every input; further tensors are
   * ignored.
   *
   * @return what the symbols of the shapes stand for, each at least 1
   * @throws GraphException naming the first input that does not fit
   */
  public Map<String, Long> sizes(Map<String, Tensor> tensors) {
    return Binding.of(inputs.values(), tensors);
  }

  /** This graph without targets, loss and whatever only they need. */
  public Graph forPrediction() {
    Set<String> needed = ancestors(outputs.values());
    List<Node> kept = nodes.values().stream().filter(n -> needed.contains(n.name())).toList();
    Set<String> used = new LinkedHashSet<>();
    kept.forEach(node -> used.addAll(node.op().parameters()));
    return new Graph(
        name,
        inputs.values().stream().filter(i -> needed.contains(i.name())).toList(),
        parameters.values().stream().filter(p -> used.contains(p.name())).toList(),
        kept,
        outputs,
        Optional.empty());
  }

  /** This graph with the trained parameters that match frozen. */
  public Graph freeze(Predicate<String> parameterNames) {
    return new Graph(
        name,
        inputs.values(),
        parameters.values().stream()
            .map(
                p ->
                    p.trained() && parameterNames.test(p.name())
                        ? p.withRole(Parameter.Role.FROZEN)
                        : p)
            .toList(),
        List.copyOf(nodes.values()),
        outputs,
        loss);
  }

  /**
   * This graph with an operation after one of its outputs; the loss stays as it is.
   *
   * @param output name of the output that the operation's result replaces
   * @param layer unique name of the node
   * @param op without parameters of its own
   * @throws GraphException if there is no such output, or the operation does not fit it
   */
  public Graph withOutput(String output, String layer, Op op) {
    String value = outputs.get(output);
    if (value == null) {
      throw new GraphException(output, "there is no output of this name in " + name);
    }
    List<Node> extended = new ArrayList<>(nodes.values());
    extended.add(new Node(layer, op, List.of(value), infer(layer, op, List.of(value))));
    Map<String, String> renamed = new LinkedHashMap<>(outputs);
    renamed.put(output, layer);
    return new Graph(name, inputs.values(), parameters.values(), extended, renamed, loss);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Graph that
        && name.equals(that.name)
        && List.copyOf(inputs.values()).equals(List.copyOf(that.inputs.values()))
        && List.copyOf(parameters.values()).equals(List.copyOf(that.parameters.values()))
        && List.copyOf(nodes.values()).equals(List.copyOf(that.nodes.values()))
        && outputs.equals(that.outputs)
        && loss.equals(that.loss);
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + nodes.hashCode();
  }

  @Override
  public String toString() {
    return name + " (" + nodes.size() + " operations, " + parameterCount() + " parameters)";
  }
}
