package io.athanor.api.graph;

import java.util.HashMap;
import java.util.Map;

/** How often the values and parameters of a graph are read. Immutable. */
public final class Uses {
  private final Map<String, Integer> values = new HashMap<>();
  private final Map<String, Integer> parameters = new HashMap<>();

  private Uses(Graph graph) {
    for (Node node : graph.nodes()) {
      node.inputs().forEach(input -> values.merge(input, 1, Integer::sum));
      node.op().parameters().forEach(parameter -> parameters.merge(parameter, 1, Integer::sum));
    }
    graph.outputs().values().forEach(output -> values.merge(output, 1, Integer::sum));
  }

  /** Those of all operations and outputs. */
  public static Uses of(Graph graph) {
    return new Uses(graph);
  }

  /** How often operations and outputs read a value; 0 if none does. */
  public int ofValue(String value) {
    return values.getOrDefault(value, 0);
  }

  /** How often operations read a parameter; 0 if none does. */
  public int ofParameter(String parameter) {
    return parameters.getOrDefault(parameter, 0);
  }
}
