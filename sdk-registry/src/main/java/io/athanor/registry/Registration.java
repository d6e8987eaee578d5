package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.ReportJson;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Verdict;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.blob.StagedFiles;
import io.athanor.registry.store.Session;
import java.nio.charset.StandardCharsets;
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

  Registration(ModelRegistry registry, String name, Source source) {
    this.registry = registry;
    this.name = VersionId.requireName("name", name);
    this.source = source;
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
      source.writeTo(staged);
      Manifest manifest = staged.seal();
      Optional<Digest> evaluation =
          report.map(
              r -> staged.add(ReportJson.write(r).toString().getBytes(StandardCharsets.UTF_8)));
      return registry
          .transactions()
          .write(session -> register(session, staged, manifest, evaluation));
    }
  }

  private ModelVersion register(
      Session session, StagedFiles staged, Manifest manifest, Optional<Digest> evaluation)
      throws SQLException {
    VersionId id = registry.versionTable().allocate(session, name);
    ModelVersion.Builder builder = builder(id, manifest, evaluation);
    requireSense(builder.build());
    origin(session, builder.build().base()).ifPresent(builder::parent);
    ModelVersion version = builder.build();
    registry.versionTable().insert(session, version);
    staged.publish(id);
    return version;
  }

  private void requireSense(ModelVersion version) {
    List<String> problems = new ArrayList<>();
    version
        .metrics()
        .forEach(
            (metric, value) -> {
              if (value.isNaN()) {
                problems.add("metric '" + metric + "' is not a number");
              }
            });
    report
        .flatMap(r -> r.subject().weights())
        .filter(weights -> version.weights().isPresent())
        .filter(weights -> !weights.equals(version.weights().get()))
        .ifPresent(
            weights ->
                problems.add(
                    "the report is about weights "
                        + weights.brief()
                        + ", the model has weights "
                        + version.weights().get().brief()));
    if (!problems.isEmpty()) {
      throw new ValidationException("registration of " + name, problems);
    }
  }

  private ModelVersion.Builder builder(
      VersionId id, Manifest manifest, Optional<Digest> evaluation) {
    ModelVersion.Builder version =
        ModelVersion.builder(id, registry.now(), manifest, registry.files().folder(id))
            .description(description)
            .tags(tags);
    source.describe(version);
    Map<String, Double> metrics = new TreeMap<>(source.metrics());
    report.ifPresent(
        r ->
            r.metrics()
                .forEach(m -> m.estimate().ifPresent(e -> metrics.put(m.name(), e.value()))));
    version.metrics(metrics);
    evaluation.ifPresent(digest -> version.report(digest, verdict(report.orElseThrow())));
    return version;
  }

  private Optional<VersionId> origin(Session session, Optional<Digest> base) throws SQLException {
    if (parent.isPresent()) {
      if (registry.versionTable().find(session, parent.get()).isEmpty()) {
        throw new NotFoundException(
            "version " + parent.get(), List.of(), "It cannot be a parent after its deletion");
      }
      return parent;
    }
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
