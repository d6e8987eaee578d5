package io.athanor.registry;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.AliasMove;
import io.athanor.api.registry.JobOutput;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.SearchPage;
import io.athanor.api.registry.SemanticVersion;
import io.athanor.api.registry.Usage;
import io.athanor.api.registry.VersionId;
import io.athanor.api.registry.VersionState;
import io.athanor.api.training.TrainingResult;
import io.athanor.registry.blob.BlobFolder;
import io.athanor.registry.governance.Policy;
import io.athanor.registry.mlflow.MlflowServer;
import io.athanor.registry.mlflow.MlflowVersion;
import io.athanor.registry.store.AliasTable;
import io.athanor.registry.store.AuditTable;
import io.athanor.registry.store.DeploymentTable;
import io.athanor.registry.store.JobQuery;
import io.athanor.registry.store.NotesTable;
import io.athanor.registry.store.SearchQuery;
import io.athanor.registry.store.Transactions;
import io.athanor.registry.store.UsageTable;
import io.athanor.registry.store.VersionTable;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Models with numbered versions, in a folder. Thread-safe, and any number of processes of one
 * machine may have the same folder open; the folder must be on a local disk. Every change happens
 * whole or not at all, even if the process is killed.
 *
 * <p>The files of version 3 of "spam-filter" lie in {@code models/base/spam-filter/3/}, or in
 * {@code models/fine-tuned} or {@code models/specialized}, where other tools can read them; each
 * content exists once on disk. What is known about versions is in {@code registry.db}, or in a
 * database that the {@link RegistryBuilder builder} was given.
 */
public final class ModelRegistry implements AutoCloseable {
  private static final Duration GRACE = Duration.ofHours(1);

  private final BlobFolder files;
  private final Transactions transactions;
  private final VersionTable versions;
  private final AliasTable aliases;
  private final AuditTable audit = new AuditTable();
  private final Access access = new Access(this);
  private final Reading reading = new Reading(this);
  private final Governance governance;
  private final DeploymentTable deployments = new DeploymentTable();
  private final Clock clock;
  private final Principal principal;

  ModelRegistry(BlobFolder files, Transactions transactions, Clock clock, Principal principal) {
    this.files = files;
    this.transactions = transactions;
    this.versions = new VersionTable(files::folder);
    this.aliases = new AliasTable(versions);
    this.governance = new Governance(this);
    this.clock = clock;
    this.principal = principal;
  }

  /**
   * Opens a registry; makes one if there is none.
   *
   * @throws StorageException if the folder cannot be written, or is a file
   * @throws FormatException if its database is damaged or was made by a newer library
   */
  public static ModelRegistry open(Path folder) {
    return in(folder).open();
  }

  /** Opens a registry that takes the time from a clock; see {@link #open(Path)}. */
  public static ModelRegistry open(Path folder, Clock clock) {
    return in(folder).clock(clock).open();
  }

  /** Begins to open a registry, to say more of it. */
  public static RegistryBuilder in(Path folder) {
    return new RegistryBuilder(folder.toAbsolutePath().normalize());
  }

  /**
   * The same registry for somebody else. Closing either closes both.
   *
   * @param who makes the changes; it is the caller's business to know that they are who they say
   */
  public ModelRegistry as(Principal who) {
    return new ModelRegistry(files, transactions, clock, who);
  }

  /** Who makes changes. */
  public Principal principal() {
    return principal;
  }

  /** Every change there was. */
  public AuditLog audit() {
    return new AuditLog(this, audit, principal);
  }

  /** Who may do what. */
  public Access access() {
    return access;
  }

  /** Requests for approval, and what was decided. */
  public Approvals approvals() {
    return new Approvals(this);
  }

  /** What is attached to a version. */
  public VersionDocuments documents(ModelVersion version) {
    return new VersionDocuments(this, version.id());
  }

  /** What versions need before aliases may point to them. */
  public Policy policy() {
    return reading.ofAll(governance::policy);
  }

  /**
   * The version's model card: Markdown below a header that model hubs read. Of our own models the
   * files are read and checked.
   */
  public String card(ModelVersion version) {
    return CardWriter.write(this, version);
  }

  /** Sets another policy; asks for {@link Permission#ADMINISTER}. */
  public void policy(Policy policy, String reason) {
    governance.change(policy, reason);
  }

  /** Versions and the whole registry as single files. */
  public Archive archive() {
    return new Archive(this, (done, total) -> {});
  }

  /** Signatures over the files of versions. */
  public Signatures signatures() {
    return new Signatures(this);
  }

  /**
   * Registers a model under its next number.
   *
   * @param name see {@link VersionId#requireName}
   */
  public ModelVersion register(String name, ModelArtifact model) {
    return registration(name, model).register();
  }

  /** Registers a model with its evaluation report; {@link #registration} says more of it. */
  public ModelVersion register(String name, ModelArtifact model, EvaluationReport report) {
    return registration(name, model).report(report).register();
  }

  /** Registers what came of a training, with its evaluation report. */
  public ModelVersion register(String name, TrainingResult result, EvaluationReport report) {
    return register(name, result.model(), report);
  }

  /**
   * Begins the registration of a model, to say more of it.
   *
   * @param name see {@link VersionId#requireName}
   */
  public Registration registration(String name, ModelArtifact model) {
    return Registration.of(this, name, model);
  }

  /**
   * Begins the registration of a folder of model files, which is copied: one that {@link
   * io.athanor.api.model.ArtifactFolder} wrote, or one of another tool, of which nothing is known
   * but its files.
   *
   * @param name see {@link VersionId#requireName}
   */
  public Registration registration(String name, Path folder) {
    return Registration.of(this, name, folder);
  }

  /**
   * Begins the registration of a version of an MLflow server: its files, description, tags and
   * metrics. Its aliases stay behind; {@link #promote} sets those that shall hold here.
   *
   * @param name see {@link VersionId#requireName}
   */
  public Registration registration(String name, MlflowServer server, MlflowVersion version) {
    return Registration.of(this, name, server, version);
  }

  /**
   * The names of all models.
   *
   * @throws IllegalStateException like every method, after {@link #close}
   */
  public List<String> models() {
    return reading.models();
  }

  /**
   * The versions of a model, oldest first.
   *
   * @throws NotFoundException if there is none; lists the models there are
   */
  public List<ModelVersion> versions(String name) {
    return reading.versions(name);
  }

  /**
   * One version.
   *
   * @throws NotFoundException if it is not there; lists what is
   */
  public ModelVersion version(String name, int number) {
    return version(new VersionId(name, number));
  }

  /**
   * One version.
   *
   * @throws NotFoundException if it is not there; lists what is
   */
  public ModelVersion version(VersionId id) {
    return reading.version(id);
  }

  /**
   * The version of a model with a semantic version.
   *
   * @throws NotFoundException if there is none; lists those there are
   */
  public ModelVersion version(String name, SemanticVersion semantic) {
    return reading.version(name, semantic);
  }

  /**
   * The version an alias points to.
   *
   * @throws NotFoundException if there is no such alias; lists what is there
   */
  public ModelVersion alias(String name, String alias) {
    return reading.alias(name, alias);
  }

  /** Every alias of a model with the version it points to. */
  public Map<String, VersionId> aliases(String name) {
    return reading.of(name, session -> aliases.ofModel(session, name));
  }

  /** The version an alias pointed to at some time. */
  public Optional<VersionId> aliasAt(String name, String alias, Instant time) {
    return reading.of(name, session -> aliases.at(session, name, alias, time));
  }

  /** What was behind every alias of the models one may read, at some time. */
  public Moment asOf(Instant time) {
    return reading.asOf(time);
  }

  /** Every move of an alias, oldest first. */
  public List<AliasMove> aliasHistory(String name, String alias) {
    return reading.of(name, session -> aliases.history(session, name, alias));
  }

  /**
   * Prepares to point an alias to a version. Nothing changes before {@link AliasChange#apply}.
   *
   * @param alias for example {@code "production"}; see {@link VersionId#requireName}
   */
  public AliasChange promote(ModelVersion version, String alias) {
    VersionId.requireName("alias", alias);
    return new AliasChange(this, version.name(), alias, Optional.of(version.id()));
  }

  /** Prepares to remove an alias. Nothing changes before {@link AliasChange#apply}. */
  public AliasChange withdraw(String name, String alias) {
    VersionId.requireName("alias", alias);
    return new AliasChange(this, name, alias, Optional.empty());
  }

  /** Prepares to delete a version. Nothing changes before {@link Deletion#apply}. */
  public Deletion delete(ModelVersion version) {
    return new Deletion(this, version);
  }

  /** Prepares to change what people say of a version. */
  public NotesChange update(ModelVersion version) {
    return new NotesChange(this, version);
  }

  /** Prepares to deprecate or archive a version, or to make it active again. */
  public StateChange changeState(ModelVersion version, VersionState state) {
    return new StateChange(this, version, state);
  }

  /** Versions that meet conditions. */
  public SearchPage search(Search search) {
    return transactions.read(
        session -> SearchQuery.run(session, search, versions, access.readable(session, principal)));
  }

  /**
   * The jobs that versions name as those that made them, as far as their models may be read; those
   * first that registered something last. {@link Search#job} finds the versions of one.
   *
   * @param offset jobs to skip, at least 0
   * @param limit most jobs to give, at least 1
   */
  public List<JobOutput> jobs(long offset, int limit) {
    if (offset < 0 || limit < 1) {
      throw new IllegalArgumentException(
          "offset must be at least 0 and limit at least 1, got " + offset + " and " + limit);
    }
    return transactions.read(
        session -> JobQuery.run(session, access.readable(session, principal), offset, limit));
  }

  /** The metrics of two versions side by side. */
  public VersionComparison compare(ModelVersion first, ModelVersion second) {
    return reading.of(
        first.name(),
        session -> {
          access.requireReadable(session, second.name());
          return VersionComparison.of(first, second);
        });
  }

  /** What a version was made from, and what was made from it. */
  public Lineage lineage(ModelVersion version) {
    return reading.of(version.name(), session -> Lineage.of(this, session, version));
  }

  /**
   * The evaluation report a version was registered with.
   *
   * @throws FormatException if it is damaged
   */
  public Optional<EvaluationReport> report(ModelVersion version) {
    return reading.of(version.name(), session -> version.report().map(governance::report));
  }

  /** Where versions are live and were. */
  public DeploymentLog deployments() {
    return new DeploymentLog(this);
  }

  /** Where rollouts of models to aliases stand. */
  public Rollouts rollouts() {
    return new Rollouts(this);
  }

  /** How much a version was used so far. */
  public Usage usage(ModelVersion version) {
    return reading.of(
        version.name(), session -> usageTable().of(session, version.id()).orElseGet(Usage::none));
  }

  /** Adds to a version's use; any number of processes may. It is not a change for the audit log. */
  public void recordUse(ModelVersion version, Usage more) {
    if (more.requests() > 0) {
      changes()
          .apply(
              Permission.UPDATE,
              version.name(),
              (session, audit) -> {
                reading.requireThere(session, version.id());
                return usageTable().add(session, version.id(), more);
              });
    }
  }

  /** How much there is, to those who may read all models. */
  public RegistryStatistics statistics() {
    return reading.ofAll(RegistryStatistics::of);
  }

  /** Whether the registry can be worked with; tries it, and does not throw. */
  public RegistryHealth health() {
    return RegistryHealth.of(this);
  }

  /** Reads everything and tells what is wrong. Asks for {@link Permission#READ} of all models. */
  public RegistryCheck verify() {
    access.requireForAll(Permission.READ);
    return Inspection.of(this).verify();
  }

  /**
   * Removes files that belong to no version, and what registrations left behind that died more than
   * an hour ago. Safe beside other processes. Asks for {@link Permission#ADMINISTER}.
   */
  public GarbageCollected collectGarbage() {
    access.requireForAll(Permission.ADMINISTER);
    return Inspection.of(this).collectGarbage(clock.instant().minus(GRACE));
  }

  /**
   * Removes the copies in the registry's folder of those files that the store has; they are fetched
   * when they are asked for again. Not to be called while others read them.
   *
   * @return their bytes
   * @throws io.athanor.api.error.UnsupportedException if there is no store
   */
  public long emptyCache() {
    access.requireForAll(Permission.ADMINISTER);
    return Inspection.of(this).emptyCache();
  }

  Governance governance() {
    return governance;
  }

  Reading reading() {
    return reading;
  }

  Changes changes() {
    return new Changes(transactions, access, audit, principal, this::now);
  }

  AuditTable auditTable() {
    return audit;
  }

  BlobFolder files() {
    return files;
  }

  Transactions transactions() {
    return transactions;
  }

  VersionTable versionTable() {
    return versions;
  }

  AliasTable aliasTable() {
    return aliases;
  }

  DeploymentTable deploymentTable() {
    return deployments;
  }

  NotesTable notesTable() {
    return new NotesTable(versions);
  }

  private UsageTable usageTable() {
    return new UsageTable(versions);
  }

  /** As exact as the tables keep it. */
  Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  /** Releases the database and the store; twice is fine. */
  @Override
  public void close() {
    try {
      transactions.close();
    } finally {
      files.close();
    }
  }
}
