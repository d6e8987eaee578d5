package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.ReportJson;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelFacts;
import io.athanor.api.registry.ModelKind;
import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Relation;
import io.athanor.api.registry.SemanticVersion;
import io.athanor.api.registry.Verdict;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.archive.VersionArchive.Attachment;
import io.athanor.registry.archive.VersionRecord;
import io.athanor.registry.blob.StagedFiles;
import io.athanor.registry.governance.Document;
import io.athanor.registry.governance.LicenceExpression;
import io.athanor.registry.mlflow.MlflowServer;
import io.athanor.registry.mlflow.MlflowVersion;
import io.athanor.registry.store.AuditTable.Change;
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
import java.util.function.Supplier;
import java.util.stream.Stream;

/** A version about to be registered. Not thread-safe. */
public final class Registration {
  private final ModelRegistry registry;
  private final String name;
  private final Source source;
  private ModelNotes notes = ModelNotes.none();
  private Optional<SemanticVersion> semanticVersion = Optional.empty();
  private Optional<String> job = Optional.empty();
  private Optional<EvaluationReport> report = Optional.empty();
  private Map<String, Double> measured = Map.of();
  private Optional<VersionId> parent = Optional.empty();
  private Optional<Relation> relation = Optional.empty();
  private Optional<Arrival> arrival = Optional.empty();

  /**
   * Of a version that comes from an archive.
   *
   * @param parentWeights the weights of the version it was made from
   * @param origin said in the audit log
   * @param documents gives what is attached to it
   */
  record Arrival(
      Optional<Digest> parentWeights, String origin, Supplier<Stream<Attachment>> documents) {}

  /** Where the version's files come from. */
  @FunctionalInterface
  interface Source {
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

  /** Of a version that comes from an archive. */
  static Registration of(
      ModelRegistry registry, String name, Source source, VersionRecord record, Arrival arrival) {
    Registration registration = new Registration(registry, name, source);
    registration.notes = record.notes();
    registration.semanticVersion = record.semanticVersion();
    registration.job = record.job();
    registration.relation = record.parentWeights().map(weights -> record.relation());
    registration.arrival = Optional.of(arrival);
    return registration;
  }

  /** Of a version of an MLflow server, which is downloaded. */
  static Registration of(
      ModelRegistry registry, String name, MlflowServer server, MlflowVersion version) {
    Registration registration =
        new Registration(
            registry,
            name,
            staged -> {
              Path folder = staged.folder();
              server.download(version, folder);
              return Files.exists(folder.resolve("athanor.json"))
                  ? Optional.of(ArtifactFolder.read(folder))
                  : Optional.empty();
            });
    registration.notes = version.notes();
    registration.measured = version.metrics();
    return registration;
  }

  /** How good the model is. */
  public Registration report(EvaluationReport evaluation) {
    this.report = Optional.of(evaluation);
    return this;
  }

  /** A text for people. */
  public Registration description(String text) {
    notes = notes.withDescription(text);
    return this;
  }

  /** What the version promises its users; no other version of the model may have the same. */
  public Registration semanticVersion(String version) {
    this.semanticVersion = Optional.of(SemanticVersion.of(version));
    return this;
  }

  /**
   * The terms under which the model may be used.
   *
   * @param expression in SPDX's form, for example {@code "Apache-2.0"} or {@code "MIT OR
   *     LicenseRef-ours"}; kept in its normal form
   * @throws IllegalArgumentException if it is no such expression, or names a licence that SPDX does
   *     not list; says which listed one looks most like it
   */
  public Registration licence(String expression) {
    notes = LicenceExpression.normalised(notes.withLicence(expression));
    return this;
  }

  /** What else users must know or agree to. */
  public Registration terms(String text) {
    notes = notes.withTerms(text);
    return this;
  }

  /** The purpose it was made for; such versions lie in {@code models/specialized}. */
  public Registration specialisation(String purpose) {
    notes = notes.withSpecialisation(purpose);
    return this;
  }

  /** Names the job that made it. */
  public Registration job(String identifier) {
    if (identifier.isBlank()) {
      throw new IllegalArgumentException("identifier must not be blank");
    }
    this.job = Optional.of(identifier);
    return this;
  }

  /** A key with a value to search by. */
  public Registration tag(String key, String value) {
    notes = notes.withTag(key, value);
    return this;
  }

  /**
   * The version this one was made from. Without it, it is the newest version that has the weights
   * which the model says it was made from. How it was made is read from the model: whether it was
   * trained further, got an adapter, had one merged, was compressed, or learned from the parent's
   * answers.
   */
  public Registration parent(ModelVersion version) {
    this.parent = Optional.of(version.id());
    return this;
  }

  /** The version this one was made from, and how; see {@link #parent(ModelVersion)}. */
  public Registration parent(ModelVersion version, Relation how) {
    this.relation = Optional.of(how);
    return parent(version);
  }

  /**
   * Registers the version under the model's next number.
   *
   * @throws ValidationException if report and model do not belong together, or a metric is not a
   *     number
   * @throws NotFoundException if the parent has been deleted
   * @throws ConflictException if another version of the model has the semantic version
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not register it
   * @throws FormatException if a folder's files cannot be taken
   * @throws StorageException if the registry cannot be written; nothing is registered
   */
  public ModelVersion register() {
    registry.transactions().read(this::requireAllowed);
    try (StagedFiles staged = registry.files().stage()) {
      Optional<ModelArtifact> model = source.fill(staged);
      requireSense(model);
      Manifest manifest = staged.seal();
      Optional<Digest> evaluation =
          report.map(
              r -> staged.add(ReportJson.write(r).toString().getBytes(StandardCharsets.UTF_8)));
      List<Attached> documents = documents(staged);
      return registry
          .changes()
          .apply(
              Permission.REGISTER,
              name,
              (session, audit) -> {
                ModelVersion version = version(session, model, manifest, evaluation);
                String place = place(version);
                registry.versionTable().insert(session, version, place);
                attach(session, version, documents);
                audit.record(
                    new Change(
                        arrival.isPresent() ? "import" : "register",
                        version.id().toString(),
                        Optional.empty(),
                        Optional.of(version.digest().hex()),
                        arrival.map(Arrival::origin).orElse("")));
                staged.publish(place);
                return version;
              });
    }
  }

  private boolean requireAllowed(Session session) throws SQLException {
    Access access = registry.access();
    access.require(session, registry.principal(), Permission.REGISTER, name, Access.ANY);
    if (parent.isPresent()) {
      access.requireReadable(session, parent.get().name());
    }
    return true;
  }

  private record Attached(String kind, String mediaType, Digest digest, long bytes) {}

  private List<Attached> documents(StagedFiles staged) {
    if (arrival.isEmpty()) {
      return List.of();
    }
    try (Stream<Attachment> documents = arrival.get().documents().get()) {
      return documents
          .map(
              d ->
                  new Attached(
                      d.kind(), d.mediaType(), staged.add(d.content()), d.content().length))
          .toList();
    }
  }

  private void attach(Session session, ModelVersion version, List<Attached> documents)
      throws SQLException {
    for (Attached document : documents) {
      registry
          .governance()
          .documents()
          .add(
              session,
              new Document(
                  version.id(),
                  document.kind(),
                  document.digest(),
                  document.bytes(),
                  document.mediaType(),
                  version.created()));
    }
  }

  private ModelVersion version(
      Session session,
      Optional<ModelArtifact> model,
      Manifest manifest,
      Optional<Digest> evaluation)
      throws SQLException {
    VersionId id = registry.versionTable().allocate(session, name);
    requireUnused(session);
    Optional<VersionId> origin = origin(session, model);
    ModelFacts facts = model.map(ModelFacts::of).orElse(ModelFacts.unknown());
    ModelKind kind = kind(facts, origin);
    String place = place(kind, id);
    ModelVersion.Builder version =
        ModelVersion.builder(
                id,
                ModelVersion.Stamp.of(
                    registry.versionTable().notBeforeOthers(session, registry.now()),
                    registry.principal()),
                manifest,
                () -> registry.files().folder(place, manifest))
            .kind(kind)
            .facts(facts)
            .notes(notes)
            .metrics(metrics(model));
    semanticVersion.ifPresent(version::semanticVersion);
    evaluation.ifPresent(digest -> version.report(digest, verdict(report.orElseThrow())));
    if (origin.isPresent()) {
      version.parent(origin.get()).relation(relation(session, origin.get(), model));
    }
    job.ifPresent(version::job);
    return version.build();
  }

  private Relation relation(Session session, VersionId origin, Optional<ModelArtifact> model)
      throws SQLException {
    if (relation.isPresent() || model.isEmpty()) {
      return relation.orElse(Relation.DERIVED);
    }
    return registry
        .versionTable()
        .find(session, origin)
        .map(version -> InferredRelation.of(model.get(), version))
        .orElse(Relation.DERIVED);
  }

  private ModelKind kind(ModelFacts facts, Optional<VersionId> origin) {
    if (notes.specialisation().isPresent()) {
      return ModelKind.SPECIALIZED;
    }
    return origin.isPresent() || facts.base().isPresent() ? ModelKind.FINE_TUNED : ModelKind.BASE;
  }

  private static String place(ModelVersion version) {
    return place(version.kind(), version.id());
  }

  private static String place(ModelKind kind, VersionId id) {
    return "models/" + kind.folder() + "/" + id.name() + "/" + id.number();
  }

  private void requireUnused(Session session) throws SQLException {
    if (semanticVersion.isPresent()) {
      Optional<VersionId> other =
          registry.versionTable().find(session, name, semanticVersion.get());
      if (other.isPresent()) {
        throw new ConflictException(
            other.get()
                + " is called "
                + semanticVersion.get()
                + (arrival.isPresent()
                    ? " already; import it under another name"
                    : " already; choose a higher number"),
            false);
      }
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

  private Map<String, Double> metrics(Optional<ModelArtifact> model) {
    Map<String, Double> metrics = new TreeMap<>(measured);
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
    Optional<Digest> base =
        model.flatMap(m -> m.provenance().base()).or(() -> arrival.flatMap(Arrival::parentWeights));
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
