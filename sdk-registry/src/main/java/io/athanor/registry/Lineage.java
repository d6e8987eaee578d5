package io.athanor.registry;

import io.athanor.api.registry.ModelVersion;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a version comes from and what became of it. The training data's fingerprints and the digest
 * of the weights it continued are in each {@link ModelVersion}.
 *
 * @param version the version
 * @param ancestors its parent, the parent's parent, and so on
 * @param descendants everything made from it, directly or not, oldest first
 */
public record Lineage(
    ModelVersion version, List<ModelVersion> ancestors, List<ModelVersion> descendants) {
  public Lineage {
    ancestors = List.copyOf(ancestors);
    descendants = List.copyOf(descendants);
  }

  /** A line for each version, oldest ancestor first. */
  @Override
  public String toString() {
    List<String> lines = new ArrayList<>();
    for (int i = ancestors.size() - 1; i >= 0; i--) {
      lines.add("from " + ancestors.get(i));
    }
    lines.add("this " + version + ", data " + version.facts().data());
    for (ModelVersion made : descendants) {
      lines.add("made " + made + " from " + made.parent().orElseThrow());
    }
    return String.join("\n", lines);
  }
}
