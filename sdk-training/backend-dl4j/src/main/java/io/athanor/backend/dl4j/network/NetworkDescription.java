package io.athanor.backend.dl4j.network;

import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a configuration says, in one form for both kinds of networks.
 *
 * @param kind DL4J's class
 * @param inputs names of the network's inputs
 * @param vertices in the order of their coefficients, each after those it reads
 * @param output the vertex that gives the answer
 * @param seed of the first weights
 * @param updater the class of the optimizer of the first layer that has one
 */
record NetworkDescription(
    String kind,
    List<String> inputs,
    List<Vertex> vertices,
    String output,
    long seed,
    long iterations,
    long epochs,
    Optional<String> updater) {

  /**
   * A layer, or what joins and rearranges the results of others.
   *
   * @param from names of inputs or vertices
   * @param preprocessor what rearranges the input of a layer
   * @param settings the layer's own, or the vertex's
   */
  record Vertex(
      String name,
      List<String> from,
      Optional<Settings> preprocessor,
      Settings settings,
      boolean layer) {}

  static NetworkDescription parse(String source, String json) {
    Settings root = new Settings(source, "the configuration", JsonFields.tree(source, json));
    if (root.has("confs")) {
      return layers(root);
    }
    if (root.has("vertices")) {
      return graph(source, root);
    }
    throw new FormatException(
        source,
        "configuration.json is not that of a MultiLayerNetwork or ComputationGraph of DL4J; save"
            + " the network by ModelSerializer.writeModel");
  }

  private static NetworkDescription layers(Settings root) {
    List<Vertex> vertices = new ArrayList<>();
    Map<String, Settings> preprocessors =
        root.has("inputPreProcessors") ? root.named("inputPreProcessors", "layer") : Map.of();
    String from = "input";
    long seed = 0;
    for (Settings conf : root.list("confs", "layer")) {
      String name = Integer.toString(vertices.size());
      vertices.add(
          new Vertex(
              name,
              List.of(from),
              Optional.ofNullable(preprocessors.get(name)),
              conf.inside("layer"),
              true));
      from = name;
      seed = conf.integer("seed", 0);
    }
    if (vertices.isEmpty()) {
      throw root.fail("it has no layers");
    }
    return of("MultiLayerNetwork", root, List.of("input"), vertices, from, seed);
  }

  private static NetworkDescription graph(String source, Settings root) {
    if (!root.has("topologicalOrderStr")) {
      throw new UnsupportedException(
          source + ": a ComputationGraph without the order of its vertices",
          "Load it with DL4J 1.0.0-M2.1 and save it again");
    }
    List<String> inputs = root.texts("networkInputs");
    List<String> outputs = root.texts("networkOutputs");
    if (outputs.size() != 1) {
      throw new UnsupportedException(
          source + ": a ComputationGraph with the outputs " + outputs,
          "Save a network that answers one question, with one output");
    }
    Map<String, Settings> all = root.named("vertices", "vertex");
    Map<String, List<String>> from = root.namedTexts("vertexInputs");
    List<Vertex> vertices = new ArrayList<>();
    for (String name : root.texts("topologicalOrderStr")) {
      Settings vertex = all.remove(name);
      if (vertex != null) {
        vertices.add(vertex(root, name, vertex, from.getOrDefault(name, List.of())));
      } else if (!inputs.contains(name)) {
        throw root.fail("'topologicalOrderStr' names '" + name + "', which is no vertex");
      }
    }
    if (!all.isEmpty()) {
      throw root.fail("'topologicalOrderStr' leaves out " + all.keySet());
    }
    long seed = root.optional("defaultConfiguration").map(c -> c.integer("seed", 0)).orElse(0L);
    return of("ComputationGraph", root, inputs, vertices, outputs.get(0), seed);
  }

  private static Vertex vertex(Settings root, String name, Settings vertex, List<String> from) {
    if (from.isEmpty()) {
      throw root.fail("vertex '" + name + "' reads nothing");
    }
    String type = vertex.type();
    if (type.equals("FrozenVertex")) {
      return vertex(root, name, vertex.inside("underlying"), from);
    }
    if (!type.equals("LayerVertex")) {
      return new Vertex(name, from, Optional.empty(), vertex, false);
    }
    Settings layer = vertex.inside("layerConf").inside("layer");
    return new Vertex(name, from, vertex.optional("preProcessor"), layer, true);
  }

  private static NetworkDescription of(
      String kind,
      Settings root,
      List<String> inputs,
      List<Vertex> vertices,
      String output,
      long seed) {
    return new NetworkDescription(
        kind,
        inputs,
        List.copyOf(vertices),
        output,
        seed,
        root.integer("iterationCount", 0),
        root.integer("epochCount", 0),
        vertices.stream()
            .flatMap(v -> v.settings.optional("iupdater").stream())
            .findFirst()
            .map(Settings::type));
  }
}
