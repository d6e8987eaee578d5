package io.athanor.api.model;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A trained model with all that is needed to use, explain and remake it. Immutable and thread-safe.
 * On disk it is a folder, written and read by {@link ArtifactFolder}.
 */
public final class ModelArtifact {
  private final String architecture;
  private final Map<String, Object> config;
  private final Graph graph;
  private final Weights weights;
  private final Encoding encoding;
  private final Map<String, Double> metrics;
  private final Provenance provenance;
  private final Optional<Baseline> baseline;

  /**
   * @param architecture name of the architecture
   * @param config its settings as JSON values
   * @param graph loss included, so that training can go on
   * @param weights one tensor for each parameter
   * @param encoding how data become tensors
   * @param metrics measured in training, for example {@code "validation.loss"}
   * @param provenance what made it
   * @throws io.athanor.api.error.GraphException if the weights do not fit the graph
   */
  public ModelArtifact(
      String architecture,
      Map<String, Object> config,
      Graph graph,
      Weights weights,
      Encoding encoding,
      Map<String, Double> metrics,
      Provenance provenance) {
    this(architecture, config, graph, weights, encoding, metrics, provenance, Optional.empty());
  }

  private ModelArtifact(
      String architecture,
      Map<String, Object> config,
      Graph graph,
      Weights weights,
      Encoding encoding,
      Map<String, Double> metrics,
      Provenance provenance,
      Optional<Baseline> baseline) {
    weights.requireFit(graph);
    this.architecture = architecture;
    this.config = Map.copyOf(config);
    this.graph = graph;
    this.weights = weights;
    this.encoding = encoding;
    this.metrics = java.util.Collections.unmodifiableMap(new TreeMap<>(metrics));
    this.provenance = provenance;
    this.baseline = baseline;
  }

  /** The same model with another baseline, or with none. */
  public ModelArtifact withBaseline(Optional<Baseline> other) {
    return new ModelArtifact(
        architecture, config, graph, weights, encoding, metrics, provenance, other);
  }

  public String architecture() {
    return architecture;
  }

  public Map<String, Object> config() {
    return config;
  }

  public Graph graph() {
    return graph;
  }

  public Weights weights() {
    return weights;
  }

  public Encoding encoding() {
    return encoding;
  }

  /**
   * How rows become tensors, for models that predict a column of them.
   *
   * @throws UnsupportedException if it is a language model
   */
  public FeatureEncoding featureEncoding() {
    if (encoding instanceof FeatureEncoding features) {
      return features;
    }
    throw new UnsupportedException(
        "the model '" + architecture + "' reads text, not rows, and predicts no column",
        "Generate text or embed it instead");
  }

  public Task task() {
    return encoding.task();
  }

  public Map<String, Double> metrics() {
    return metrics;
  }

  public Provenance provenance() {
    return provenance;
  }

  /** What its rows and answers were like in training; absent where nobody looked. */
  public Optional<Baseline> baseline() {
    return baseline;
  }

  /** The digest of the weights. */
  public Digest weightsDigest() {
    return weights.digest();
  }
}
