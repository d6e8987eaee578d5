package io.athanor.api.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * A registered model: what it is, where it came from, how good it is, and where its files lie.
 * Immutable and thread-safe; a snapshot of the moment it was read.
 */
public final class ModelVersion {
  private final VersionId id;
  private final Instant created;
  private final Manifest manifest;
  private final Path folder;
  private final Optional<String> architecture;
  private final Optional<String> task;
  private final OptionalLong parameters;
  private final Optional<Digest> weights;
  private final Map<String, Double> metrics;
  private final Map<String, String> tags;
  private final String description;
  private final Optional<Digest> report;
  private final Verdict verdict;
  private final List<Digest> data;
  private final Optional<Digest> base;
  private final Optional<VersionId> parent;

  private ModelVersion(Builder builder) {
    this.id = builder.id;
    this.created = builder.created;
    this.manifest = builder.manifest;
    this.folder = builder.folder;
    this.architecture = builder.architecture;
    this.task = builder.task;
    this.parameters = builder.parameters;
    this.weights = builder.weights;
    this.metrics = builder.metrics;
    this.tags = builder.tags;
    this.description = builder.description;
    this.report = builder.report;
    this.verdict = builder.verdict;
    this.data = builder.data;
    this.base = builder.base;
    this.parent = builder.parent;
  }

  /**
   * Begins a version.
   *
   * @param id its name and number
   * @param created when it was registered
   * @param manifest its files
   * @param folder where they lie
   */
  public static Builder builder(VersionId id, Instant created, Manifest manifest, Path folder) {
    return new Builder(id, created, manifest, folder);
  }

  /** Collects what is known of a version. Not thread-safe. */
  public static final class Builder {
    private final VersionId id;
    private final Instant created;
    private final Manifest manifest;
    private final Path folder;
    private Optional<String> architecture = Optional.empty();
    private Optional<String> task = Optional.empty();
    private OptionalLong parameters = OptionalLong.empty();
    private Optional<Digest> weights = Optional.empty();
    private Map<String, Double> metrics = Map.of();
    private Map<String, String> tags = Map.of();
    private String description = "";
    private Optional<Digest> report = Optional.empty();
    private Verdict verdict = Verdict.NOT_EVALUATED;
    private List<Digest> data = List.of();
    private Optional<Digest> base = Optional.empty();
    private Optional<VersionId> parent = Optional.empty();

    private Builder(VersionId id, Instant created, Manifest manifest, Path folder) {
      this.id = id;
      this.created = created;
      this.manifest = manifest;
      this.folder = folder;
    }

    public Builder architecture(String name) {
      this.architecture = Optional.of(name);
      return this;
    }

    /** For example {@code "classification"}. */
    public Builder task(String name) {
      this.task = Optional.of(name);
      return this;
    }

    /** The number of trained numbers. */
    public Builder parameters(long count) {
      this.parameters = OptionalLong.of(count);
      return this;
    }

    /** The digest of the weights. */
    public Builder weights(Digest digest) {
      this.weights = Optional.of(digest);
      return this;
    }

    public Builder metrics(Map<String, Double> values) {
      this.metrics = Collections.unmodifiableMap(new TreeMap<>(values));
      return this;
    }

    public Builder tags(Map<String, String> values) {
      this.tags = Collections.unmodifiableMap(new TreeMap<>(values));
      return this;
    }

    public Builder description(String text) {
      this.description = text;
      return this;
    }

    /** The evaluation report's digest and what its gates decided. */
    public Builder report(Digest digest, Verdict decided) {
      this.report = Optional.of(digest);
      this.verdict = decided;
      return this;
    }

    /** Fingerprints of the training data. */
    public Builder data(List<Digest> fingerprints) {
      this.data = List.copyOf(fingerprints);
      return this;
    }

    /** Digest of the weights this model was trained from. */
    public Builder base(Digest digest) {
      this.base = Optional.of(digest);
      return this;
    }

    /** The version this one was made from. */
    public Builder parent(VersionId version) {
      this.parent = Optional.of(version);
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
    manifest.verify(folder);
  }

  /**
   * The model itself, read after {@link #verify}.
   *
   * @throws io.athanor.api.error.FormatException if a file is not what was registered
   * @throws io.athanor.api.error.StorageException if a file cannot be read
   */
  public ModelArtifact artifact() {
    verify();
    return ArtifactFolder.read(folder);
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

  /** Identifies the files and their content. */
  public Digest digest() {
    return manifest.digest();
  }

  /** When it was registered. */
  public Instant created() {
    return created;
  }

  public Manifest manifest() {
    return manifest;
  }

  /** Where the files lie; read-only by contract. */
  public Path folder() {
    return folder;
  }

  /** The size of all files in bytes. */
  public long bytes() {
    return manifest.bytes();
  }

  /** The architecture's name; absent for files that are no Athanor artifact. */
  public Optional<String> architecture() {
    return architecture;
  }

  /** For example {@code "classification"}; absent for files that are no Athanor artifact. */
  public Optional<String> task() {
    return task;
  }

  /** The number of trained numbers; absent for files that are no Athanor artifact. */
  public OptionalLong parameters() {
    return parameters;
  }

  /** Digest of the weights; absent for files that are no Athanor artifact. */
  public Optional<Digest> weights() {
    return weights;
  }

  /** Those of training and of the evaluation report; where both have a name, the report's. */
  public Map<String, Double> metrics() {
    return metrics;
  }

  public Map<String, String> tags() {
    return tags;
  }

  /** A text for people; may be empty. */
  public String description() {
    return description;
  }

  /** The evaluation report's digest. */
  public Optional<Digest> report() {
    return report;
  }

  /** What the report's gates decided. */
  public Verdict verdict() {
    return verdict;
  }

  /** Fingerprints of the training data. */
  public List<Digest> data() {
    return data;
  }

  /** Digest of the weights this model was trained from. */
  public Optional<Digest> base() {
    return base;
  }

  /** The version this one was made from. */
  public Optional<VersionId> parent() {
    return parent;
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
