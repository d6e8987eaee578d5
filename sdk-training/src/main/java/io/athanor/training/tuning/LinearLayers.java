package io.athanor.training.tuning;

import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.training.Lora;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The linear layers of a graph, by name. */
final class LinearLayers {
  private final Graph graph;
  private final Map<String, Node> layers = new LinkedHashMap<>();

  /** Layers whose weight is also a table of vectors. */
  private final Set<String> tied = new TreeSet<>();

  /** Layers that give an output, perhaps through operations on single elements. */
  private final Set<String> last = new TreeSet<>();

  LinearLayers(Graph graph) {
    this.graph = graph;
    Map<String, Node> nodes = new HashMap<>();
    graph.nodes().forEach(node -> nodes.put(node.name(), node));
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Linear linear) {
        layers.put(Names.layer(linear.weight()), node);
      }
    }
    for (Node node : graph.nodes()) {
      if (!(node.op() instanceof LayerOp.Linear)) {
        node.op().parameters().stream()
            .map(Names::layer)
            .filter(layers::containsKey)
            .forEach(tied::add);
      }
    }
    for (String output : graph.outputs().values()) {
      Node node = nodes.get(output);
      while (node != null && node.op() instanceof ElementOp && node.inputs().size() == 1) {
        node = nodes.get(node.inputs().get(0));
      }
      if (node != null && node.op() instanceof LayerOp.Linear linear) {
        last.add(Names.layer(linear.weight()));
      }
    }
  }

  Set<String> names() {
    return layers.keySet();
  }

  long in(String layer) {
    return graph.parameter(weight(layer)).shape().dim(1).offset();
  }

  long out(String layer) {
    return graph.parameter(weight(layer)).shape().dim(0).offset();
  }

  String weight(String layer) {
    Node node = layers.get(layer);
    if (node == null) {
      throw new IllegalArgumentException("layer must be linear, got '" + layer + "'");
    }
    return ((LayerOp.Linear) node.op()).weight();
  }

  /** Whether a weight is shared with a table of vectors, which an adapter would not change. */
  boolean isTied(String layer) {
    return tied.contains(layer);
  }

  private boolean readsSequences(String layer) {
    Node node = layers.get(layer);
    return node != null && node.type().shape().rank() == 3;
  }

  /**
   * The layers that get low-rank matrices.
   *
   * @throws ValidationException if a name fits none, or one that cannot have them; lists every
   *     problem
   */
  Set<String> targets(Lora lora) {
    List<String> problems = new ArrayList<>();
    requireWhole(lora, problems);
    Set<String> found = lora.targets().isEmpty() ? all(lora) : named(lora, problems);
    for (String layer : found) {
      if (!lora.adapters().isEmpty() && !readsSequences(layer)) {
        problems.add("'" + layer + "' does not read sequences; several adapters need that");
      }
    }
    if (found.isEmpty() && problems.isEmpty()) {
      problems.add("the model has no linear layer beside its head");
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("LoRA on '" + graph.name() + "'", problems);
    }
    return found;
  }

  private void requireWhole(Lora lora, List<String> problems) {
    List<String> parameters = graph.parameters().stream().map(Parameter::name).toList();
    for (String name : lora.alsoTrain()) {
      boolean there = parameters.stream().anyMatch(one -> Names.within(List.of(name), one));
      if (!there && !Lora.HEADS.contains(name)) {
        Set<String> ends =
            Names.ends(
                parameters.stream()
                    .filter(one -> one.endsWith(Names.WEIGHT))
                    .map(Names::layer)
                    .toList());
        problems.add("no layer to train as a whole fits " + Names.others(name, ends, ends));
      }
    }
  }

  private Set<String> all(Lora lora) {
    Set<String> found = new LinkedHashSet<>(layers.keySet());
    found.removeAll(tied);
    found.removeAll(last);
    found.removeIf(layer -> Names.within(Lora.HEADS, weight(layer)) || trainsWhole(lora, layer));
    if (!lora.adapters().isEmpty()) {
      found.removeIf(layer -> !readsSequences(layer));
    }
    return found;
  }

  private boolean trainsWhole(Lora lora, String layer) {
    return Names.within(lora.alsoTrain(), weight(layer));
  }

  private Set<String> named(Lora lora, List<String> problems) {
    Set<String> found = new LinkedHashSet<>();
    for (String name : lora.targets()) {
      List<String> fitting =
          layers.keySet().stream().filter(layer -> Names.fits(name, layer)).toList();
      if (fitting.isEmpty()) {
        Set<String> ends = Names.ends(layers.keySet());
        problems.add("no linear layer fits " + Names.others(name, ends, ends));
      }
      for (String layer : fitting) {
        if (tied.contains(layer)) {
          problems.add(
              "the weight of '" + layer + "' is also a table of vectors, so it cannot be adapted");
        }
        if (trainsWhole(lora, layer)) {
          problems.add("'" + layer + "' is trained as a whole, so it cannot be adapted as well");
        }
      }
      found.addAll(fitting);
    }
    return found;
  }
}
