package io.athanor.training.compress;

import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.training.tuning.Names;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** What compression leaves of a model. */
final class Compressed {
  /** Where the config keeps what was done, in order. */
  private static final String CONFIG = "compression";

  private Compressed() {}

  /** The model with another graph; without its metrics, which were measured on the old one. */
  static ModelArtifact model(
      ModelArtifact from, Map<String, Object> config, String done, Graph graph, Weights weights) {
    List<Object> steps = new ArrayList<>();
    if (config.get(CONFIG) instanceof List<?> earlier) {
      steps.addAll(earlier);
    }
    steps.add(done);
    Map<String, Object> changed = new TreeMap<>(config);
    changed.put(CONFIG, List.copyOf(steps));
    Provenance made = from.provenance();
    return new ModelArtifact(
            from.architecture(),
            changed,
            graph,
            weights,
            from.encoding(),
            Map.of(),
            new Provenance(
                made.created(),
                made.seed(),
                made.plan(),
                made.data(),
                Optional.of(from.weightsDigest()),
                made.environment()))
        .withBaseline(from.baseline());
  }

  /**
   * Checks that every name stands for a layer.
   *
   * @throws ValidationException if one does not; lists all of these
   */
  static void requireNames(List<String> names, Graph graph) {
    Set<String> layers = new LinkedHashSet<>();
    graph.parameters().stream()
        .map(Parameter::name)
        .filter(name -> !Names.layer(name).equals(name))
        .forEach(name -> layers.add(Names.layer(name)));
    List<String> problems =
        names.stream()
            .filter(
                name ->
                    graph.parameters().stream()
                        .noneMatch(parameter -> Names.within(List.of(name), parameter.name())))
            .map(name -> "no layer fits '" + name + "'; there are " + Names.some(layers))
            .toList();
    if (!problems.isEmpty()) {
      throw new ValidationException("layers to keep", problems);
    }
  }
}
