package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Relation;
import io.athanor.api.training.FullTuning;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.model.arch.TextEncoder;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.compress.Distillation;
import io.athanor.training.compress.Pruning;
import io.athanor.training.compress.Quantization;
import io.athanor.training.tuning.Adapters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the registry knows of how a version was made from another, without being told. */
class RelationTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;
  private ModelRegistry registry;
  private Split mail;
  private ModelArtifact base;
  private ModelVersion parent;

  @BeforeEach
  void train() throws IOException {
    StringBuilder csv = new StringBuilder("body,spam\n");
    for (int i = 0; i < 40; i++) {
      csv.append(i % 2 == 0 ? "you won a prize " : "see you at ").append(i).append(",");
      csv.append(i % 2 == 0 ? "yes\n" : "no\n");
    }
    Path file = Files.writeString(home.resolve("mail.csv"), csv);
    mail = Dataset.from(Csv.of(file)).text("body").label("spam").split(0.8, 0.1, 0.1).seed(3);
    base = encoder(64);
    registry = ModelRegistry.open(home.resolve("registry"));
    parent = registry.register("base", base);
  }

  @AfterEach
  void close() {
    registry.close();
    backend.close();
  }

  private ModelArtifact encoder(int feedForward) {
    return run(
        Training.of(
            Models.textClassifier()
                .layers(1)
                .size(64)
                .heads(2)
                .feedForward(feedForward)
                .positions(TextEncoder.Positions.ROTARY),
            mail));
  }

  private ModelArtifact run(Training training) {
    return training.epochs(1).batchSize(8).backend(backend).run().model();
  }

  private ModelArtifact lora() {
    return run(Training.of(base, mail).tuning(Lora.rank(2)));
  }

  private Relation relation(ModelArtifact model) {
    ModelVersion made = registry.register("made", model);
    assertThat(made.parent()).contains(parent.id());
    return made.relation();
  }

  @Test
  void trainingTheSamePlanFurtherContinues() {
    ModelArtifact further = run(Training.of(base, mail));

    assertThat(further.provenance().plan()).isEqualTo(base.provenance().plan());
    assertThat(relation(further)).isEqualTo(Relation.CONTINUED);
  }

  @Test
  void tuningBesideTheParentsWeightsIsAnAdapter() {
    assertThat(relation(lora())).isEqualTo(Relation.ADAPTER);
    assertThat(relation(run(Training.of(base, mail).tuning(PromptTuning.tokens(2)))))
        .isEqualTo(Relation.ADAPTER);
  }

  @Test
  void anAdapterFromElsewhereHasTheModelItWasPutOnAsItsParent() {
    PeftAdapters.save(lora(), "some/base", home.resolve("adapter"));

    ModelArtifact loaded = PeftAdapters.load(base, home.resolve("adapter"));

    assertThat(relation(loaded)).isEqualTo(Relation.ADAPTER);
    assertThat(loaded.metrics()).isEmpty();
    assertThat(relation(Adapters.merge(loaded))).isEqualTo(Relation.MERGED);
  }

  @Test
  void severalAdaptersPutTogetherAreAnAdapter() {
    Lora plain = Lora.rank(2).targets("query").withoutHead();
    ModelArtifact one = run(Training.of(base, mail).tuning(plain));

    ModelArtifact stacked = Adapters.stack(base, Map.of("one", Adapters.extract(one)));

    assertThat(relation(stacked)).isEqualTo(Relation.ADAPTER);
  }

  @Test
  void anAdapterAddedToTheParentsWeightsIsMerged() {
    ModelArtifact tuned = lora();
    ModelArtifact merged = Adapters.merge(tuned);

    assertThat(relation(merged)).isEqualTo(Relation.MERGED);
    assertThat(relation(Adapters.unmerge(merged, Adapters.extract(tuned))))
        .isEqualTo(Relation.ADAPTER);
  }

  @Test
  void trainingAnAdapterFurtherContinues() {
    ModelArtifact tuned = lora();
    parent = registry.register("tuned", tuned);

    ModelArtifact further = run(Training.of(tuned, mail).tuning(FullTuning.everything()));

    assertThat(relation(further)).isEqualTo(Relation.CONTINUED);
  }

  @Test
  void compressingATunedModelIsNoAdapter() {
    ModelArtifact tuned = lora();
    parent = registry.register("tuned", tuned);

    assertThat(relation(Quantization.int8().of(tuned))).isEqualTo(Relation.QUANTIZED);
  }

  @Test
  void anAdapterOnAPrunedModelIsNoPruning() {
    ModelArtifact pruned = Pruning.neurons(0.5).of(base);
    ModelVersion small = registry.register("small", pruned);
    assertThat(small.relation()).isEqualTo(Relation.PRUNED);
    parent = small;

    assertThat(relation(run(Training.of(pruned, mail).tuning(Lora.rank(2)))))
        .isEqualTo(Relation.ADAPTER);
    assertThat(relation(run(Training.of(pruned, mail)))).isEqualTo(Relation.CONTINUED);
  }

  @Test
  void aStudentIsDistilledFromItsTeacher() {
    ModelArtifact student =
        run(
            Training.of(Models.bagOfWords(), mail)
                .distill(Distillation.from(base).reading(mail.encodedBy(base.encoding()))));

    assertThat(relation(student)).isEqualTo(Relation.DISTILLED);
    parent = registry.register("student", student);
    assertThat(relation(run(Training.of(student, mail.encodedBy(student.encoding())))))
        .isEqualTo(Relation.CONTINUED);
  }

  @Test
  void nothingIsInferredFromAParentThatTheModelDoesNotName() {
    ModelVersion named = registry.registration("other", encoder(32)).parent(parent).register();

    assertThat(named.parent()).contains(parent.id());
    assertThat(named.relation()).isEqualTo(Relation.DERIVED);
    assertThat(
            registry
                .registration("other", encoder(32))
                .parent(parent, Relation.DISTILLED)
                .register()
                .relation())
        .isEqualTo(Relation.DISTILLED);
  }

  @Test
  void aReleaseTellsItToo() {
    Release release =
        Pipeline.of(registry, "tuned")
            .backend(backend)
            .release(
                Training.of(base, mail)
                    .tuning(Lora.rank(2))
                    .epochs(1)
                    .batchSize(8)
                    .backend(backend),
                mail.test());
    if (release instanceof Release.Deployed live) {
      live.deployment().close();
    }

    assertThat(release.version().parent()).contains(parent.id());
    assertThat(release.version().relation()).isEqualTo(Relation.ADAPTER);
  }
}
