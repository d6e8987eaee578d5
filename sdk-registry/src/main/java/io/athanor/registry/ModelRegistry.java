package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.ReportJson;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.AliasMove;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.SearchPage;
import io.athanor.api.registry.VersionId;
import io.athanor.api.training.TrainingResult;
import io.athanor.registry.blob.BlobFolder;
import io.athanor.registry.store.AliasTable;
import io.athanor.registry.store.Migrations;
import io.athanor.registry.store.SearchQuery;
import io.athanor.registry.store.SqliteDatabase;
import io.athanor.registry.store.Transactions;
import io.athanor.registry.store.VersionTable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Models with numbered versions, in a folder. Thread-safe, and any number of processes of one
 * machine may have the same folder open; the folder must be on a local disk. Every change happens
 * whole or not at all, even if the process is killed.
 *
 * <p>The files of version 3 of "spam-filter" lie in {@code versions/spam-filter/3/}, where other
 * tools can read them; each content exists once on disk. What is known about versions is in {@code
 * registry.db}.
 */
public final class ModelRegistry implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration GRACE = Duration.ofHours(1);

  private final BlobFolder files;
  private final Transactions transactions;
  private final VersionTable versions;
  private final AliasTable aliases;
  private final Clock clock;

  private ModelRegistry(BlobFolder files, Transactions transactions, Clock clock) {
    this.files = files;
    this.transactions = transactions;
    this.versions = new VersionTable(files::folder);
    this.aliases = new AliasTable(versions);
    this.clock = clock;
  }

  /**
   * Opens a registry; makes one if there is none.
   *
   * @throws StorageException if the folder cannot be written, or is a file
   * @throws FormatException if its database is damaged or was made by a newer library
   */
  public static ModelRegistry open(Path folder) {
    return open(folder, Clock.systemUTC());
  }

  /** Opens a registry that takes the time from a clock; see {@link #open(Path)}. */
  public static ModelRegistry open(Path folder, Clock clock) {
    Path root = folder.toAbsolutePath().normalize();
    BlobFolder files = new BlobFolder(root);
    Path database = root.resolve("registry.db");
    Transactions transactions = new Transactions(new SqliteDatabase(database, PATIENCE));
    boolean opened = false;
    try {
      Migrations.apply(transactions, database.toString(), clock.instant());
      opened = true;
    } finally {
      if (!opened) {
        transactions.close();
      }
    }
    return new ModelRegistry(files, transactions, clock);
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
   * The names of all models.
   *
   * @throws IllegalStateException like every method, after {@link #close}
   */
  public List<String> models() {
    return transactions.read(versions::names);
  }

  /**
   * The versions of a model, oldest first.
   *
   * @throws NotFoundException if there is none; lists the models there are
   */
  public List<ModelVersion> versions(String name) {
    return transactions.read(
        session -> {
          List<ModelVersion> all = versions.ofModel(session, name);
          if (all.isEmpty()) {
            throw noModel(name, versions.names(session));
          }
          return all;
        });
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
    return transactions
        .read(session -> versions.find(session, id))
        .orElseThrow(
            () ->
                new NotFoundException(
                    "version " + id,
                    versions(id.name()).stream().map(v -> v.id().toString()).toList(),
                    "Versions that were deleted do not come back"));
  }

  /**
   * The version an alias points to.
   *
   * @throws NotFoundException if there is no such alias; lists what is there
   */
  public ModelVersion alias(String name, String alias) {
    return transactions
        .read(
            session -> {
              Optional<VersionId> id = aliases.current(session, name, alias);
              return id.isEmpty()
                  ? Optional.<ModelVersion>empty()
                  : versions.find(session, id.get());
            })
        .orElseThrow(
            () ->
                versions(name).isEmpty()
                    ? noModel(name, List.of())
                    : new NotFoundException(
                        "alias '" + alias + "' of " + name,
                        aliases(name).keySet(),
                        "Point it to a version with promote(version, \"" + alias + "\").apply()"));
  }

  /** Every alias of a model with the version it points to. */
  public Map<String, VersionId> aliases(String name) {
    return transactions.read(session -> aliases.ofModel(session, name));
  }

  /** The version an alias pointed to at some time. */
  public Optional<VersionId> aliasAt(String name, String alias, Instant time) {
    return transactions.read(session -> aliases.at(session, name, alias, time));
  }

  /** Every move of an alias, oldest first. */
  public List<AliasMove> aliasHistory(String name, String alias) {
    return transactions.read(session -> aliases.history(session, name, alias));
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

  /** Versions that meet conditions. */
  public SearchPage search(Search search) {
    return transactions.read(session -> SearchQuery.run(session, search, versions));
  }

  /** The metrics of two versions side by side. */
  public VersionComparison compare(ModelVersion first, ModelVersion second) {
    return VersionComparison.of(first, second);
  }

  /** What a version was made from, and what was made from it. */
  public Lineage lineage(ModelVersion version) {
    return transactions.read(
        session -> {
          Map<VersionId, ModelVersion> ancestors = new LinkedHashMap<>();
          Optional<VersionId> next = version.parent();
          while (next.isPresent()) {
            Optional<ModelVersion> parent = versions.find(session, next.get());
            parent.ifPresent(found -> ancestors.put(found.id(), found));
            next = parent.flatMap(ModelVersion::parent);
          }
          return new Lineage(
              version,
              List.copyOf(ancestors.values()),
              versions.descendants(session, version.id()));
        });
  }

  /**
   * The evaluation report a version was registered with.
   *
   * @throws FormatException if it is damaged
   */
  public Optional<EvaluationReport> report(ModelVersion version) {
    transactions.requireOpen();
    return version.report().map(this::report);
  }

  private EvaluationReport report(Digest digest) {
    Path file = files.blob(digest);
    try {
      byte[] content = Files.readAllBytes(file);
      if (!Digest.of(content).equals(digest)) {
        throw new FormatException(
            file.toString(),
            "damaged or changed: expected digest " + digest + ", got " + Digest.of(content));
      }
      return ReportJson.read(file.toString(), new String(content, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  /** Reads everything and tells what is wrong. */
  public RegistryCheck verify() {
    return Inspection.of(this).verify();
  }

  /**
   * Removes files that belong to no version, and what registrations left behind that died more than
   * an hour ago. Safe beside other processes.
   */
  public GarbageCollected collectGarbage() {
    return Inspection.of(this).collectGarbage(clock.instant().minus(GRACE));
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

  /** As exact as the tables keep it. */
  Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  private static NotFoundException noModel(String name, List<String> there) {
    return new NotFoundException("model '" + name + "'", there, "Register a version of it first");
  }

  /** Releases the database; twice is fine. */
  @Override
  public void close() {
    transactions.close();
  }
}
