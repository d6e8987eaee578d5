package io.athanor.api.graph;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Builds a graph anew from another one, operation by operation. As it stands it copies; override
 * what shall differ. Used once; not thread-safe.
 *
 * <pre>{@code
 * Graph certain = new Rewrite(graph) {
 *   @Override
 *   protected Value node(Node node) {
 *     return node.op() instanceof ElementOp.Dropout ? value(node.inputs().get(0)) : same(node);
 *   }
 * }.rewritten();
 * }</pre>
 */
public abstract class Rewrite {
  /** The graph as it was. */
  protected final Graph source;

  /** The graph in the making, under the same name. */
  protected final GraphBuilder target;

  private final Map<String, Value> values = new HashMap<>();

  /**
   * @param source to rewrite
   */
  protected Rewrite(Graph source) {
    this.source = source;
    this.target = Graph.builder(source.name());
  }

  /**
   * The new graph.
   *
   * @throws io.athanor.api.error.GraphException if what was put in does not fit
   */
  public final Graph rewritten() {
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

  /** What becomes of an input; its name stays. */
  protected Input input(Input input) {
    return input;
  }

  /** What becomes of a parameter; empty if nothing uses it any more. */
  protected Optional<Parameter> parameter(Parameter parameter) {
    return Optional.of(parameter);
  }

  /** Adds what comes before the first operation. */
  protected void begin() {}

  /** Adds what becomes of an operation, and gives the value that stands for its result. */
  protected Value node(Node node) {
    return same(node);
  }

  /** Names outputs and loss. */
  protected void end() {
    source.outputs().forEach((output, value) -> target.output(output, value(value)));
    source.loss().ifPresent(loss -> target.loss(value(loss)));
  }

  /** The same operation on what stands for its inputs. */
  protected final Value same(Node node) {
    return target.apply(
        node.name(), node.op(), node.inputs().stream().map(this::value).toArray(Value[]::new));
  }

  /** What stands for a value of the source. */
  protected final Value value(String name) {
    return Objects.requireNonNull(values.get(name), name);
  }
}
