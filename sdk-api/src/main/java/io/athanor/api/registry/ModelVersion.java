package io.athanor.api.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * A registered model: what it is, where it came from, how good it is, and where its files lie.
 * Immutable and thread-safe; a snapshot of the moment it was read.
 */
public final class ModelVersion {
  private final VersionId id;
  private final Stamp created;
  private final Manifest manifest;
  private final Supplier<Path> folder;
  private final Optional<SemanticVersion> semanticVersion;
  private final ModelKind kind;
  private final ModelFacts facts;
  private final ModelNotes notes;
  private final VersionState state;
  private final Stamp updated;
  private final int revision;
  private final Map<String, Double> metrics;
  private final Optional<Digest> report;
  private final Verdict verdict;
  private final Optional<VersionId> parent;
  private final Relation relation;
  private final Optional<String> job;

  private ModelVersion(Builder builder) {
    this.id = builder.id;
    this.created = builder.created;
    this.manifest = builder.manifest;
    this.folder = builder.folder;
    this.semanticVersion = builder.semanticVersion;
    this.kind = builder.kind;
    this.facts = builder.facts;
    this.notes = builder.notes;
    this.state = builder.state;
    this.updated = builder.updated;
    this.revision = builder.revision;
    this.metrics = builder.metrics;
    this.report = builder.report;
    this.verdict = builder.verdict;
    this.parent = builder.parent;
    this.relation = builder.relation;
    this.job = builder.job;
  }

  /**
   * When something was done, and by whom.
   *
   * @param at when
   * @param by who; absent where nobody was recorded
   */
  public record Stamp(Instant at, Optional<Principal> by) {
    /** Done by somebody. */
    public static Stamp of(Instant at, Principal by) {
      return new Stamp(at, Optional.of(by));
    }
  }

  /**
   * Begins a version.
   *
   * @param id its name and number
   * @param created when and by whom it was registered
   * @param manifest its files
   * @param folder where they lie; asked each time, and may have to fetch them
   */
  public static Builder builder(
      VersionId id, Stamp created, Manifest manifest, Supplier<Path> folder) {
    return new Builder(id, created, manifest, folder);
  }

  /** Collects what is known of a version. Not thread-safe. */
  public static final class Builder {
    private final VersionId id;
    private final Stamp created;
    private final Manifest manifest;
    private final Supplier<Path> folder;
    private Optional<SemanticVersion> semanticVersion = Optional.empty();
    private ModelKind kind = ModelKind.BASE;
    private ModelFacts facts = ModelFacts.unknown();
    private ModelNotes notes = ModelNotes.none();
    private VersionState state = VersionState.ACTIVE;
    private Stamp updated;
    private int revision = 1;
    private Map<String, Double> metrics = Map.of();
    private Optional<Digest> report = Optional.empty();
    private Verdict verdict = Verdict.NOT_EVALUATED;
    private Optional<VersionId> parent = Optional.empty();
    private Relation relation = Relation.DERIVED;
    private Optional<String> job = Optional.empty();

    private Builder(VersionId id, Stamp created, Manifest manifest, Supplier<Path> folder) {
      this.id = id;
      this.created = created;
      this.manifest = manifest;
      this.folder = folder;
      this.updated = created;
    }

    public Builder semanticVersion(SemanticVersion version) {
      this.semanticVersion = Optional.of(version);
      return this;
    }

    public Builder kind(ModelKind howMade) {
      this.kind = howMade;
      return this;
    }

    public Builder facts(ModelFacts known) {
      this.facts = known;
      return this;
    }

    public Builder notes(ModelNotes said) {
      this.notes = said;
      return this;
    }

    public Builder state(VersionState present) {
      this.state = present;
      return this;
    }

    /** The last change, and how many there were, the registration included. */
    public Builder updated(Stamp last, int changes) {
      this.updated = last;
      this.revision = changes;
      return this;
    }

    public Builder metrics(Map<String, Double> values) {
      this.metrics = Collections.unmodifiableMap(new TreeMap<>(values));
      return this;
    }

    /** The evaluation report's digest and what its gates decided. */
    public Builder report(Digest digest, Verdict decided) {
      this.report = Optional.of(digest);
      this.verdict = decided;
      return this;
    }

    /** The version this one was made from. */
    public Builder parent(VersionId version) {
      this.parent = Optional.of(version);
      return this;
    }

    /** How it was made from its parent. */
    public Builder relation(Relation toParent) {
      this.relation = toParent;
      return this;
    }

    /** Names the job that made it. */
    public Builder job(String name) {
      this.job = Optional.of(name);
      return this;
    }

    public ModelVersion build() {
      return new ModelVersion(this);
    }
  }

  /**
   * Reads every file and checks its digest.
   *
   * @throws io.athanor.api.error.FormatException if a file is missing, differs or should not be
   *     there; names it with expected and actual digest
   * @throws io.athanor.api.error.StorageException if a file cannot be read
   */
  public void verify() {
    manifest.verify(folder());
  }

  /**
   * The model itself, read after {@link #verify}.
   *
   * @throws io.athanor.api.error.FormatException if a file is not what was registered
   * @throws io.athanor.api.error.StorageException if a file cannot be read
   */
  public ModelArtifact artifact() {
    Path files = folder();
    manifest.verify(files);
    return ArtifactFolder.read(files);
  }

  public VersionId id() {
    return id;
  }

  /** The model's name. */
  public String name() {
    return id.name();
  }

  /** Counted from 1 within the model. */
  public int number() {
    return id.number();
  }

  /**
   * What the version promises its users, if it was given such a number; unique within the model.
   */
  public Optional<SemanticVersion> semanticVersion() {
    return semanticVersion;
  }

  /** Identifies the files and their content. */
  public Digest digest() {
    return manifest.digest();
  }

  /** When and by whom it was registered. */
  public Stamp created() {
    return created;
  }

  /** When and by whom notes or state were last changed. */
  public Stamp updated() {
    return updated;
  }

  /** Rises by one with each change of notes or state, from 1. */
  public int revision() {
    return revision;
  }

  public Manifest manifest() {
    return manifest;
  }

  /**
   * Where the files lie; read-only by contract. Where the registry keeps them elsewhere they are
   * fetched first.
   *
   * @throws io.athanor.api.error.StorageException if they cannot be fetched
   */
  public Path folder() {
    return folder.get();
  }

  /** The size of all files in bytes. */
  public long bytes() {
    return manifest.bytes();
  }

  public ModelKind kind() {
    return kind;
  }

  /** What its files say. */
  public ModelFacts facts() {
    return facts;
  }

  /** What people say. */
  public ModelNotes notes() {
    return notes;
  }

  public VersionState state() {
    return state;
  }

  /** Those of training and of the evaluation report; where both have a name, the report's. */
  public Map<String, Double> metrics() {
    return metrics;
  }

  /** The evaluation report's digest. */
  public Optional<Digest> report() {
    return report;
  }

  /** What the report's gates decided. */
  public Verdict verdict() {
    return verdict;
  }

  /** The version this one was made from. */
  public Optional<VersionId> parent() {
    return parent;
  }

  /** How it was made from its parent; of no meaning where it has none. */
  public Relation relation() {
    return relation;
  }

  /** The job that made it. */
  public Optional<String> job() {
    return job;
  }

  /** Same name, number and files. */
  @Override
  public boolean equals(Object other) {
    return other instanceof ModelVersion that
        && id.equals(that.id)
        && manifest.equals(that.manifest);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  @Override
  public String toString() {
    return id + " (" + digest().brief() + ")";
  }
}
