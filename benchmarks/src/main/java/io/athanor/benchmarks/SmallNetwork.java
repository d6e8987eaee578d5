package io.athanor.benchmarks;

import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.model.Models;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A network of 30 numbers with 64 and 32 hidden units, and a row for it. */
final class SmallNetwork {
  private static final int COLUMNS = 30;

  private SmallNetwork() {}

  static Map<String, Double> row() {
    Map<String, Double> cells = new TreeMap<>();
    for (int i = 0; i < COLUMNS; i++) {
      cells.put("c" + i, i / 10.0);
    }
    return cells;
  }

  static ModelArtifact artifact() {
    List<Encoder> encoders = new ArrayList<>();
    row().keySet().forEach(column -> encoders.add(new Encoder.Standardize(column, 0, 1)));
    FeatureEncoding encoding =
        new FeatureEncoding(
            encoders, new TargetEncoder.Label("label", List.of("no", "yes")), Optional.empty());
    Graph graph = Models.mlp(64, 32).graph(encoding.signature());
    return new ModelArtifact(
        "mlp",
        Map.of(),
        graph,
        Weights.initialize(graph, 1),
        encoding,
        Map.of(),
        new Provenance(
            Instant.EPOCH, 1, "{}", List.of(), Optional.empty(), Map.of("weights", "random")));
  }
}
