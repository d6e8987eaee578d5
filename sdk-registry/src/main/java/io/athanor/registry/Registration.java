package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Task;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.ReportJson;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Verdict;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.blob.StagedFiles;
import io.athanor.registry.store.Session;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A version about to be registered. Not thread-safe. */
public final class Registration {
  private final ModelRegistry registry;
  private final String name;
  private final Source source;
  private final Map<String, String> tags = new TreeMap<>();
  private String description = "";
  private Optional<EvaluationReport> report = Optional.empty();
  private Optional<VersionId> parent = Optional.empty();

  /** Where the version's files come from. */
  @FunctionalInterface
  private interface Source {
    /** Writes the files and tells the model, where they are one of ours. */
    Optional<ModelArtifact> fill(StagedFiles staged);
  }

  private Registration(ModelRegistry registry, String name, Source source) {
    this.registry = registry;
    this.name = VersionId.requireName("name", name);
    this.source = source;
  }

  static Registration of(ModelRegistry registry, String name, ModelArtifact model) {
    return new Registration(
        registry,
        name,
        staged -> {
          ArtifactFolder.write(model, staged.folder());
          return Optional.of(model);
        });
  }

  static Registration of(ModelRegistry registry, String name, Path folder) {
    return new Registration(
        registry,
        name,
        staged -> {
          Optional<ModelArtifact> model =
              Files.exists(folder.resolve("athanor.json"))
                  ? Optional.of(ArtifactFolder.read(folder))
                  : Optional.empty();
          staged.copy(folder);
          return model;
        });
  }

  /** How good the model is. */
  public Registration report(EvaluationReport evaluation) {
    this.report = Optional.of(evaluation);
    return this;
  }

  /** A text for people. */
  public Registration description(String text) {
    this.description = text;
    return this;
  }

  /** A key with a value to search by. */
  public Registration tag(String key, String value) {
    if (key.isBlank()) {
      throw new IllegalArgumentException("key must not be blank");
    }
    tags.put(key, value);
    return this;
  }

  /**
   * The version this one was made from. Without it, it is the newest version that has the weights
   * which the model says it continued.
   */
  public Registration parent(ModelVersion version) {
    this.parent = Optional.of(version.id());
    return this;
  }

  /**
   * Registers the version under the model's next number.
   *
   * @throws ValidationException if report and model do not belong together, or a metric is not a
   *     number
   * @throws NotFoundException if the parent has been deleted
   * @throws FormatException if a folder's files cannot be taken
   * @throws StorageException if the registry cannot be written; nothing is registered
   */
  public ModelVersion register() {
    registry.transactions().requireOpen();
    try (StagedFiles staged = registry.files().stage()) {
      Optional<ModelArtifact> model = source.fill(staged);
      requireSense(model);
      Manifest manifest = staged.seal();
      Optional<Digest> evaluation =
          report.map(
              r -> staged.add(ReportJson.write(r).toString().getBytes(StandardCharsets.UTF_8)));
      return registry
          .transactions()
          .write(
              session -> {
                VersionId id = registry.versionTable().allocate(session, name);
                ModelVersion.Builder version =
                    ModelVersion.builder(id, registry.now(), manifest, registry.files().folder(id));
                describe(version, model, evaluation);
                origin(session, model).ifPresent(version::parent);
                ModelVersion complete = version.build();
                registry.versionTable().insert(session, complete);
                staged.publish(id);
                return complete;
              });
    }
  }

  private void requireSense(Optional<ModelArtifact> model) {
    List<String> problems = new ArrayList<>();
    metrics(model)
        .forEach(
            (metric, value) -> {
              if (value.isNaN()) {
                problems.add("metric '" + metric + "' is not a number");
              }
            });
    Optional<Digest> registered = model.map(ModelArtifact::weightsDigest);
    Optional<Digest> evaluated = report.flatMap(r -> r.subject().weights());
    if (registered.isPresent() && evaluated.isPresent() && !registered.equals(evaluated)) {
      problems.add(
          "the report is about weights "
              + evaluated.get().brief()
              + ", the model has weights "
              + registered.get().brief());
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("registration of " + name, problems);
    }
  }

  private void describe(
      ModelVersion.Builder version, Optional<ModelArtifact> model, Optional<Digest> evaluation) {
    version.description(description).tags(tags).metrics(metrics(model));
    evaluation.ifPresent(digest -> version.report(digest, verdict(report.orElseThrow())));
    model.ifPresent(
        m -> {
          version
              .architecture(m.architecture())
              .task(m.task() instanceof Task.Classification ? "classification" : "regression")
              .parameters(m.graph().parameterCount())
              .weights(m.weightsDigest())
              .data(m.provenance().data().stream().map(DataProvenance::fingerprint).toList());
          m.provenance().base().ifPresent(version::base);
        });
  }

  private Map<String, Double> metrics(Optional<ModelArtifact> model) {
    Map<String, Double> metrics = new TreeMap<>();
    model.ifPresent(m -> metrics.putAll(m.metrics()));
    report.ifPresent(
        r ->
            r.metrics()
                .forEach(m -> m.estimate().ifPresent(e -> metrics.put(m.name(), e.value()))));
    return metrics;
  }

  private Optional<VersionId> origin(Session session, Optional<ModelArtifact> model)
      throws SQLException {
    if (parent.isPresent()) {
      if (registry.versionTable().find(session, parent.get()).isEmpty()) {
        throw new NotFoundException(
            "version " + parent.get(), List.of(), "It cannot be a parent after its deletion");
      }
      return parent;
    }
    Optional<Digest> base = model.flatMap(m -> m.provenance().base());
    return base.isPresent()
        ? registry.versionTable().newestWithWeights(session, base.get())
        : Optional.empty();
  }

  private static Verdict verdict(EvaluationReport report) {
    if (report.decisions().isEmpty()) {
      return Verdict.NO_GATES;
    }
    return report.passed() ? Verdict.PASSED : Verdict.NOT_PASSED;
  }
}
