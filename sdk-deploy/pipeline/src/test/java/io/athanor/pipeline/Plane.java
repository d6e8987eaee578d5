package io.athanor.pipeline;

import io.athanor.api.backend.Backend;
import io.athanor.api.data.Row;
import io.athanor.api.model.ModelArtifact;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Records;
import io.athanor.model.Models;
import io.athanor.training.Training;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Points with coordinates x and y, and models that tell on which side of a line they lie. */
final class Plane {
  private Plane() {}

  /** A point at most 1 away from the center in both coordinates. */
  static Row point(double center, SplittableRandom random) {
    return Row.of(
        Map.of("x", center + random.nextDouble(-1, 1), "y", center + random.nextDouble(-1, 1)));
  }

  /** A model, with its baseline, that has learned from points. */
  static ModelArtifact trained(List<Row> points, Backend backend) {
    List<Row> rows = points.stream().map(Plane::labelled).toList();
    Split split =
        Dataset.from(Records.of(rows)).number("x", "y").label("side").split(0.6, 0.2, 0.2);
    return Training.of(Models.mlp(8), split)
        .epochs(5)
        .batchSize(16)
        .learningRate(0.02)
        .seed(1)
        .backend(backend)
        .run()
        .model();
  }

  private static Row labelled(Row point) {
    double sum = (Double) point.cell("x") + (Double) point.cell("y");
    return Row.of(
        Map.of("x", point.cell("x"), "y", point.cell("y"), "side", sum > 0 ? "above" : "below"));
  }
}
