package io.athanor.deploy.serve;

import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftFolder;
import io.athanor.model.format.PeftMethod;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The low-rank paths of an adapter as it was read.
 *
 * @param source where it came from, for errors
 * @param paths by the layer they go beside
 * @param base digest of the weights they were made with, if known
 */
record AdapterPaths(String source, Map<String, Path> paths, Optional<Digest> base) {
  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";
  private static final String PEFT_CONFIG = "adapter_config.json";

  /**
   * {@code y = scale B A x}.
   *
   * @param a {@code [rank, in]}
   * @param b {@code [out, rank]}
   */
  record Path(Tensor a, Tensor b, double scale) {}

  /** Checks the files of a version and reads what they hold. */
  static AdapterPaths of(ModelVersion version) {
    boolean peft = version.manifest().files().stream().anyMatch(f -> f.path().equals(PEFT_CONFIG));
    if (!peft) {
      return of(version.id().toString(), version.artifact());
    }
    version.verify();
    return of(PeftFolder.read(version.folder()));
  }

  static AdapterPaths of(PeftAdapter adapter) {
    String source = adapter.source();
    if (!(adapter.method() instanceof PeftMethod.LoraSettings lora)) {
      throw refused(source, "has virtual tokens instead of low-rank paths");
    }
    if (lora.dora()) {
      throw refused(source, "has magnitudes of DoRA");
    }
    if (!adapter.savedModules().isEmpty()) {
      throw refused(source, "replaces whole modules, " + adapter.savedModules());
    }
    Map<String, Path> paths = new LinkedHashMap<>();
    for (String module : adapter.modules()) {
      paths.put(module, path(adapter.tensors(), module, lora.scale(module)));
    }
    return new AdapterPaths(source, paths, adapter.baseDigest());
  }

  /** The adapter of a model tuned by LoRA; the digest of its base is computed. */
  static AdapterPaths of(String source, ModelArtifact tuned) {
    Map<String, Tensor> others = new LinkedHashMap<>(tuned.weights().tensors());
    Map<String, Tensor> own = new LinkedHashMap<>();
    for (String name : tuned.weights().tensors().keySet()) {
      if (name.endsWith(A) || name.endsWith(B)) {
        own.put(name, Objects.requireNonNull(others.remove(name)));
      }
    }
    Map<String, Path> paths = new LinkedHashMap<>();
    own.keySet().stream()
        .filter(name -> name.endsWith(A))
        .map(name -> name.substring(0, name.length() - A.length()))
        .forEach(layer -> paths.put(layer, path(own, layer, scale(tuned.graph(), layer))));
    if (paths.isEmpty()) {
      throw refused(
          source,
          tuned.graph().hasInput(LanguageEncoding.ADAPTER)
              ? "holds several adapters, to be split and registered one by one,"
              : "has no low-rank paths");
    }
    List<String> replaced =
        tuned.graph().parameters().stream()
            .filter(Parameter::trained)
            .map(Parameter::name)
            .filter(name -> !own.containsKey(name))
            .toList();
    if (!replaced.isEmpty()) {
      throw refused(source, "replaces " + replaced + " as a whole");
    }
    Digest base = PeftAdapter.digest(Weights.of(others), List.of());
    return new AdapterPaths(source, paths, Optional.of(base));
  }

  private static Path path(Map<String, Tensor> tensors, String layer, double scale) {
    return new Path(
        Objects.requireNonNull(tensors.get(layer + A)),
        Objects.requireNonNull(tensors.get(layer + B)),
        scale);
  }

  /** What a tuned model multiplies with between the two matrices. */
  private static double scale(Graph graph, String layer) {
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Linear linear && linear.weight().equals(layer + B)) {
        String from = node.inputs().get(0);
        return graph.nodes().stream()
            .filter(other -> other.name().equals(from))
            .filter(other -> other.op() instanceof ElementOp.Scale)
            .mapToDouble(other -> ((ElementOp.Scale) other.op()).factor())
            .findFirst()
            .orElse(1);
      }
    }
    return 1;
  }

  private static UnsupportedException refused(String source, String what) {
    return new UnsupportedException(
        "the adapter " + source + " " + what + " and cannot share a base with others",
        "Merge it into its base and serve the result as a model of its own");
  }
}
