package io.athanor.backend.dl4j.network;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Feature;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipException;

/**
 * A network that DL4J saved, as a graph with weights.
 *
 * @param seed of its first weights
 * @param facts what is known of where it comes from
 */
public record NetworkImport(Graph graph, Weights weights, long seed, Map<String, String> facts) {
  /** The graph's name. */
  public static final String ARCHITECTURE = "dl4j";

  public NetworkImport {
    facts = Map.copyOf(facts);
  }

  /**
   * Reads a file; loads no class that it names and runs nothing.
   *
   * @throws io.athanor.api.error.AthanorException if it cannot be read, is not such a network, or
   *     holds what the graph cannot
   */
  public static NetworkImport read(Path file, FeatureEncoding encoding) {
    try (NetworkZip zip = NetworkZip.open(file)) {
      String json = zip.configuration();
      NetworkDescription network = NetworkDescription.parse(zip.source(), json);
      GraphBuilder graph = Graph.builder(ARCHITECTURE);
      Assembly assembly = new Assembly(graph, zip.coefficients());
      assemble(zip.source(), network, assembly, encoding);
      return new NetworkImport(
          assembly.build(), assembly.weights(), network.seed(), facts(zip, json, network));
    } catch (ZipException e) {
      throw new FormatException(
          file.toString(), "damaged (" + e.getMessage() + "); save or copy the network again", e);
    } catch (IOException e) {
      throw NetworkZip.unreadable(file.toString(), e);
    }
  }

  private static void assemble(
      String source, NetworkDescription network, Assembly assembly, FeatureEncoding encoding)
      throws IOException {
    Signature signature = encoding.signature();
    LayerReader layers = new LayerReader(assembly, encoding);
    VertexReader vertices = new VertexReader(assembly.graph(), layers);
    Map<String, Signal> inputs = inputs(assembly.graph(), network, signature);
    Map<String, Signal> known = new HashMap<>(inputs);
    for (NetworkDescription.Vertex vertex : network.vertices()) {
      List<Signal> from = new ArrayList<>();
      for (String name : vertex.from()) {
        Signal signal = known.get(name);
        if (signal == null) {
          throw vertex.settings().fail("it reads '" + name + "', which is not there before it");
        }
        from.add(signal);
      }
      boolean last = vertex.name().equals(network.output());
      if (vertex.layer()) {
        if (from.size() != 1) {
          throw vertex.settings().fail("a layer reads one input, got " + vertex.from());
        }
        Signal x = from.get(0);
        if (vertex.preprocessor().isPresent()) {
          x = vertices.rearranged(vertex.preprocessor().get(), x);
        }
        vertex
            .settings()
            .require(
                last == LayerReader.ends(vertex.settings()),
                last
                    ? "the output, but " + vertex.settings().type() + " has no loss"
                    : "an output layer inside the network",
                "End the network with one OutputLayer, RnnOutputLayer or LossLayer");
        Signal result = layers.read(vertex.settings(), x);
        known.put(vertex.name(), result);
        if (last) {
          Ending.write(assembly.graph(), vertex.settings(), result, signature);
        }
      } else {
        vertex
            .settings()
            .require(!last, "the output, but no layer", "End the network with an OutputLayer");
        known.put(vertex.name(), vertices.read(vertex.settings(), from, inputs));
      }
    }
    if (!known.containsKey(network.output())) {
      throw new FormatException(source, "the output '" + network.output() + "' is no vertex");
    }
  }

  /** Inputs named like a feature take that feature, the others the remaining ones in order. */
  private static Map<String, Signal> inputs(
      GraphBuilder graph, NetworkDescription network, Signature signature) {
    List<Feature> left = new ArrayList<>(signature.features());
    if (left.size() != network.inputs().size()) {
      throw new ValidationException(
          "encoding for the network",
          List.of(
              "the network has the inputs "
                  + network.inputs()
                  + ", the encoding gives "
                  + left.stream().map(Feature::name).toList()));
    }
    Map<String, Feature> chosen = new TreeMap<>();
    for (Feature feature : signature.features()) {
      if (network.inputs().contains(feature.name())) {
        chosen.put(feature.name(), feature);
        left.remove(feature);
      }
    }
    Map<String, Signal> inputs = new HashMap<>();
    Map<String, Signal> declared = new HashMap<>();
    for (Feature feature : signature.features()) {
      declared.put(feature.name(), declare(graph, feature));
    }
    for (String input : network.inputs()) {
      Feature feature = chosen.containsKey(input) ? chosen.get(input) : left.remove(0);
      inputs.put(input, declared.get(feature.name()));
    }
    return inputs;
  }

  private static Signal declare(GraphBuilder graph, Feature feature) {
    String name = feature.name();
    if (feature instanceof Feature.Tokens tokens) {
      return new Signal(
          graph.input(name, TensorType.i64(Dim.BATCH, Dim.SEQUENCE)),
          graph.input(tokens.mask(), TensorType.f32(Dim.BATCH, Dim.SEQUENCE)));
    }
    if (feature instanceof Feature.Image image) {
      Dim channels = Dim.of(image.channels());
      Dim height = Dim.of(image.height());
      Dim width = Dim.of(image.width());
      return new Signal(
          graph.input(name, TensorType.f32(Dim.BATCH, channels, height, width)), null);
    }
    Dim width = Dim.of(((Feature.Vector) feature).width());
    return new Signal(graph.input(name, TensorType.f32(Dim.BATCH, width)), null);
  }

  private static Map<String, String> facts(
      NetworkZip zip, String json, NetworkDescription network) {
    Map<String, String> facts = new TreeMap<>();
    facts.put("format", "DL4J " + network.kind());
    facts.put("configuration.sha256", Digest.ofText(json).hex());
    facts.put("iterations", Long.toString(network.iterations()));
    facts.put("epochs", Long.toString(network.epochs()));
    network.updater().ifPresent(updater -> facts.put("updater", updater));
    if (zip.has("normalizer.bin")) {
      facts.put("normalizer", "in the file, not read");
    }
    return facts;
  }
}
