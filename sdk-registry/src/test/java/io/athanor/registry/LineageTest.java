package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.common.Digest;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Relation;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.Lineage.Edge;
import io.athanor.registry.Lineage.Origin;
import io.athanor.tck.fixture.TinyArtifacts;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where versions come from and what became of them. */
class LineageTest extends RegistryContract {
  @TempDir private Path temp;
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry = store.in(temp.resolve("registry")).open();
  }

  @AfterEach
  void everythingIsInOrder() {
    assertThat(registry.verify().problems()).isEmpty();
    registry.close();
  }

  private Registration folder(String name) {
    return registry.registration(name, TestModels.folder(temp, name));
  }

  /** Made from other weights, and trained on the same data as them. */
  private static ModelArtifact continuing(ModelArtifact base) {
    ModelArtifact other = TinyArtifacts.prices();
    Provenance from = base.provenance();
    return new ModelArtifact(
        other.architecture(),
        other.config(),
        other.graph(),
        other.weights(),
        other.encoding(),
        Map.of(),
        new Provenance(
            from.created(),
            from.seed(),
            from.plan(),
            from.data(),
            Optional.of(base.weightsDigest()),
            from.environment()));
  }

  private static ModelArtifact onData(ModelArtifact model) {
    Provenance from = model.provenance();
    Digest rows = Digest.ofText("rows");
    return new ModelArtifact(
        model.architecture(),
        model.config(),
        model.graph(),
        model.weights(),
        model.encoding(),
        model.metrics(),
        new Provenance(
            from.created(),
            from.seed(),
            from.plan(),
            List.of(new DataProvenance("prices.csv", rows, 10, List.of(), Map.of(), 7)),
            from.base(),
            from.environment()));
  }

  private static Edge edge(ModelVersion from, ModelVersion to, String how) {
    return new Edge(new Origin.Version(from.id()), to.id(), how);
  }

  @Test
  void followsVersionsUpAndDown() {
    ModelVersion base = folder("base").register();
    ModelVersion tuned = folder("tuned").parent(base, Relation.CONTINUED).register();
    ModelVersion adapter = folder("adapter").parent(tuned, Relation.ADAPTER).register();
    ModelVersion small = folder("small").parent(adapter, Relation.QUANTIZED).register();
    ModelVersion sibling = folder("sibling").parent(tuned).register();
    ModelVersion stranger = folder("stranger").register();

    Lineage lineage = registry.lineage(tuned);

    assertThat(lineage.ancestors()).containsExactly(base);
    assertThat(lineage.descendants()).containsExactly(adapter, small, sibling);
    assertThat(lineage.versions()).containsExactly(base, tuned, adapter, small, sibling);
    assertThat(lineage.edges())
        .containsExactly(
            edge(base, tuned, "continued"),
            edge(tuned, adapter, "adapter"),
            edge(adapter, small, "quantized"),
            edge(tuned, sibling, "derived"));
    assertThat(registry.lineage(small).ancestors()).containsExactly(adapter, tuned, base);
    assertThat(registry.lineage(small).edges()).hasSize(3);
    assertThat(registry.lineage(stranger).edges()).isEmpty();
    assertThat(lineage.toString().replaceAll(" \\([0-9a-f]{12}\\)", ""))
        .isEqualTo(
            "from base:1\nthis tuned:1, data []\nmade adapter:1 from tuned:1, adapter\n"
                + "made small:1 from adapter:1, quantized\nmade sibling:1 from tuned:1, derived");
  }

  @Test
  void namesDataAndWeightsThatAreNotRegistered() {
    ModelArtifact base = onData(TinyArtifacts.sizes());
    ModelArtifact model = continuing(base);
    Digest data = model.provenance().data().get(0).fingerprint();

    ModelVersion version = registry.register("tuned", model);

    assertThat(version.parent()).isEmpty();
    assertThat(registry.lineage(version).edges())
        .containsExactly(
            new Edge(new Origin.Weights(base.weightsDigest()), version.id(), "derived"),
            new Edge(new Origin.Data(data), version.id(), "trained on"));
    assertThat(registry.lineage(version).dot())
        .isEqualTo(
            "digraph lineage {\n  rankdir=LR;\n  \"tuned:1\" [penwidth=2];\n"
                + ("  \"weights " + base.weightsDigest().brief() + "\" -> \"tuned:1\"")
                + " [label=\"derived\"];\n"
                + ("  \"data " + data.brief() + "\" [shape=cylinder];\n")
                + ("  \"data " + data.brief() + "\" -> \"tuned:1\" [label=\"trained on\"];\n")
                + "}\n");
  }

  @Test
  void drawsWhatGraphvizUnderstands() {
    ModelVersion base = folder("base").register();
    ModelVersion tuned = folder("tuned").parent(base, Relation.CONTINUED).register();

    assertThat(registry.lineage(base).dot())
        .isEqualTo(
            "digraph lineage {\n  rankdir=LR;\n  \"base:1\" [penwidth=2];\n"
                + "  \"base:1\" -> \"tuned:1\" [label=\"continued\"];\n}\n");
    assertThat(registry.lineage(tuned).dot()).contains("\"tuned:1\" [penwidth=2]");
  }

  @Test
  void linksAnImportedVersionToTheNewestWithTheWeightsItWasMadeFrom() {
    ModelArtifact base = TinyArtifacts.sizes();
    registry.register("base", base);
    ModelVersion tuned = registry.register("tuned", continuing(base));
    assertThat(tuned.parent()).contains(new VersionId("base", 1));
    Path file = temp.resolve("tuned.tar");
    registry.archive().export(tuned, file);
    try (ModelRegistry other = store.in(temp.resolve("other")).open()) {
      ModelVersion alone = other.archive().importFrom(file);
      assertThat(alone.parent()).isEmpty();
      assertThat(alone.facts().base()).contains(base.weightsDigest());

      other.register("elsewhere", base);
      ModelVersion newest = other.register("elsewhere", base);
      ModelVersion linked = other.archive().importFrom(file);

      assertThat(linked.parent()).contains(newest.id());
      assertThat(linked.relation()).isEqualTo(tuned.relation());
      assertThat(other.lineage(newest).descendants()).containsExactly(linked);
      assertThat(other.verify().problems()).isEmpty();
    }
  }

  /** Nothing in the files tells the parent; the record of the archive does. */
  @Test
  void linksAnImportedFolderByTheRecordAndNotToAStrangerOfTheSameName() {
    ModelVersion base = registry.register("base", TinyArtifacts.sizes());
    ModelVersion adapter = folder("adapter").parent(base, Relation.ADAPTER).register();
    Path file = temp.resolve("adapter.tar");
    registry.archive().export(adapter, file);
    try (ModelRegistry other = store.in(temp.resolve("other")).open()) {
      other.register("base", TinyArtifacts.spam());
      assertThat(other.archive().importFrom(file).parent()).isEmpty();

      ModelVersion same = other.register("base", TinyArtifacts.sizes());
      ModelVersion linked = other.archive().importFrom(file);

      assertThat(linked.parent()).contains(same.id()).contains(new VersionId("base", 2));
      assertThat(linked.relation()).isEqualTo(Relation.ADAPTER);
    }
  }
}
