package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Relation;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.store.Session;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Where a version comes from and what became of it. A parent is registered before its children and
 * never changes, so there are no circles.
 *
 * @param version the version
 * @param ancestors its parent, the parent's parent, and so on, as far as the reader may see them
 * @param descendants everything made from it, directly or not, oldest first, as far as the reader
 *     may see it
 */
public record Lineage(
    ModelVersion version, List<ModelVersion> ancestors, List<ModelVersion> descendants) {
  public Lineage {
    ancestors = List.copyOf(ancestors);
    descendants = List.copyOf(descendants);
  }

  /**
   * One step.
   *
   * @param from what was used
   * @param to the version that was made
   * @param how how it was used
   */
  public record Edge(Origin from, VersionId to, String how) {}

  /** What a version is made from. */
  public sealed interface Origin {
    /** A registered version. */
    record Version(VersionId id) implements Origin {
      @Override
      public String toString() {
        return id.toString();
      }
    }

    /** Weights that were not registered when the version was. */
    record Weights(Digest digest) implements Origin {
      @Override
      public String toString() {
        return "weights " + digest.brief();
      }
    }

    /** Training data with a fingerprint. */
    record Data(Digest fingerprint) implements Origin {
      @Override
      public String toString() {
        return "data " + fingerprint.brief();
      }
    }
  }

  /** Reads the lineage of a version. */
  static Lineage of(ModelRegistry registry, Session session, ModelVersion version)
      throws SQLException {
    Predicate<String> readable = registry.access().readable(session);
    return new Lineage(
        version,
        readable(ancestors(registry, session, version), readable),
        readable(registry.versionTable().descendants(session, version.id()), readable));
  }

  private static List<ModelVersion> readable(
      List<ModelVersion> versions, Predicate<String> readable) {
    return versions.stream().filter(found -> readable.test(found.name())).toList();
  }

  /** The parent of a version, the parent's parent, and so on, whoever may read them. */
  static List<ModelVersion> ancestors(ModelRegistry registry, Session session, ModelVersion version)
      throws SQLException {
    List<ModelVersion> ancestors = new ArrayList<>();
    Optional<VersionId> next = version.parent();
    while (next.isPresent()) {
      Optional<ModelVersion> parent = registry.versionTable().find(session, next.get());
      parent.ifPresent(ancestors::add);
      next = parent.flatMap(ModelVersion::parent);
    }
    return ancestors;
  }

  /** Every version of it, oldest ancestor first. */
  public List<ModelVersion> versions() {
    List<ModelVersion> all = new ArrayList<>(ancestors);
    Collections.reverse(all);
    all.add(version);
    all.addAll(descendants);
    return all;
  }

  /** Everything that these versions were made from: versions, weights and data. */
  public List<Edge> edges() {
    return versions().stream().flatMap(Lineage::edges).toList();
  }

  private static Stream<Edge> edges(ModelVersion made) {
    Stream<Edge> base =
        made
            .parent()
            .map(parent -> new Edge(new Origin.Version(parent), made.id(), how(made.relation())))
            .or(
                () ->
                    made.facts()
                        .base()
                        .map(
                            weights ->
                                new Edge(
                                    new Origin.Weights(weights), made.id(), how(made.relation()))))
            .stream();
    Stream<Edge> data =
        made.facts().data().stream()
            .map(fingerprint -> new Edge(new Origin.Data(fingerprint), made.id(), "trained on"));
    return Stream.concat(base, data);
  }

  private static String how(Relation relation) {
    return relation.name().toLowerCase(Locale.ROOT);
  }

  /** The graph in the language of Graphviz; what something was made from stands on the left. */
  public String dot() {
    StringBuilder text = new StringBuilder("digraph lineage {\n  rankdir=LR;\n");
    text.append("  \"").append(version.id()).append("\" [penwidth=2];\n");
    for (Edge edge : edges()) {
      if (edge.from() instanceof Origin.Data) {
        text.append("  \"").append(edge.from()).append("\" [shape=cylinder];\n");
      }
      text.append("  \"")
          .append(edge.from())
          .append("\" -> \"")
          .append(edge.to())
          .append("\" [label=\"")
          .append(edge.how())
          .append("\"];\n");
    }
    return text.append("}\n").toString();
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
      lines.add(
          "made " + made + " from " + made.parent().orElseThrow() + ", " + how(made.relation()));
    }
    return String.join("\n", lines);
  }
}
