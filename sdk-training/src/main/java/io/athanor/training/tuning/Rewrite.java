package io.athanor.training.tuning;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Value;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Builds a graph anew from another one, operation by operation. Used once. */
abstract class Rewrite {
  final Graph source;
  final GraphBuilder target;
  private final Map<String, Value> values = new HashMap<>();

  Rewrite(Graph source) {
    this.source = source;
    this.target = Graph.builder(source.name());
  }

  Graph rewritten() {
    for (Input input : source.inputs()) {
      values.put(input.name(), target.declare(input(input)));
    }
    for (Parameter parameter : source.parameters()) {
      parameter(parameter).ifPresent(target::declare);
    }
    begin();
    for (Node node : source.nodes()) {
      values.put(node.name(), node(node));
    }
    end();
    return target.build();
  }

  Input input(Input input) {
    return input;
  }

  /** What becomes of a parameter; empty if nothing uses it any more. */
  Optional<Parameter> parameter(Parameter parameter) {
    return Optional.of(parameter);
  }

  /** Adds what comes before the first operation. */
  void begin() {}

  /** Adds what becomes of an operation, and gives the value that stands for its result. */
  Value node(Node node) {
    return same(node);
  }

  /** Names outputs and loss. */
  void end() {
    source.outputs().forEach((output, value) -> target.output(output, value(value)));
    source.loss().ifPresent(loss -> target.loss(value(loss)));
  }

  final Value same(Node node) {
    return target.apply(
        node.name(), node.op(), node.inputs().stream().map(this::value).toArray(Value[]::new));
  }

  /** What stands for a value of the source. */
  final Value value(String name) {
    return Objects.requireNonNull(values.get(name), name);
  }
}
