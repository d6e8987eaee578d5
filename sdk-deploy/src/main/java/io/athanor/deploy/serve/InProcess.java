package io.athanor.deploy.serve;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Digest;
import io.athanor.api.data.EncodedRow;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.api.model.Predictor;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.model.generate.GenerationBatch;
import io.athanor.model.generate.TextEmbedder;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** How to serve a model in this process. Not thread-safe; each {@code deploy} stands alone. */
public final class InProcess {
  private static final Duration ROWS = Duration.ofSeconds(30);
  private static final Duration TEXTS = Duration.ofMinutes(5);

  private @Nullable Backend backend;
  private int maximumBatch = 32;
  private Duration maximumDelay = Duration.ofMillis(2);
  private int queueLimit = 1_024;
  private @Nullable Duration timeout;
  private Precision precision = Precision.F32;
  private LongSupplier nanoClock = System::nanoTime;
  private @Nullable AdapterCatalog adapters;

  public InProcess() {}

  /**
   * The backend to run on, which stays the caller's to close. Without it, each deployment opens the
   * only one on the class path for itself.
   */
  public InProcess backend(Backend opened) {
    this.backend = opened;
    return this;
  }

  /** Most rows in one pass through the engine: 1 to 4,096; 32 unless set. */
  public InProcess maximumBatch(int rows) {
    if (rows < 1 || rows > 4_096) {
      throw new IllegalArgumentException("maximumBatch must be 1 to 4096, got " + rows);
    }
    this.maximumBatch = rows;
    return this;
  }

  /**
   * How long a row may wait for others when there is reason to expect some; 2 milliseconds unless
   * set, 0 to never wait, at most one second. A caller that is alone never waits.
   */
  public InProcess maximumDelay(Duration delay) {
    if (delay.isNegative() || delay.compareTo(Duration.ofSeconds(1)) > 0) {
      throw new IllegalArgumentException("maximumDelay must be 0 to 1 second, got " + delay);
    }
    this.maximumDelay = delay;
    return this;
  }

  /** Rows that may wait before calls are refused: at least 1; 1,024 unless set. */
  public InProcess queueLimit(int rows) {
    if (rows < 1) {
      throw new IllegalArgumentException("queueLimit must be at least 1, got " + rows);
    }
    this.queueLimit = rows;
    return this;
  }

  /**
   * How long a call waits for its answer, and closing for the engine; unless set, 30 seconds, and 5
   * minutes where text is generated.
   */
  public InProcess timeout(Duration longest) {
    if (longest.isNegative() || longest.isZero() || longest.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException("timeout must be above 0, up to 1 hour, got " + longest);
    }
    this.timeout = longest;
    return this;
  }

  /**
   * The number format of products; {@link Precision#F32} unless set. The backend says which it has:
   * some are for text only.
   */
  public InProcess precision(Precision format) {
    this.precision = format;
    return this;
  }

  /** The adapters that requests for text may name; none unless set. */
  public InProcess adapters(AdapterCatalog catalog) {
    this.adapters = catalog;
    return this;
  }

  /** Measures latencies; {@link System#nanoTime} unless set. */
  public InProcess nanoClock(LongSupplier clock) {
    this.nanoClock = clock;
    return this;
  }

  /**
   * Loads a model that no registry knows, and warms it up. Its version is the beginning of its
   * weights' digest.
   *
   * @param name letters, digits, dots and dashes; see {@link VersionId#requireName}
   * @throws io.athanor.api.error.NotFoundException if there is no backend
   * @throws io.athanor.api.error.UnsupportedException if the backend cannot run the model
   * @throws io.athanor.api.error.BackendException if the engine fails
   */
  public InProcessDeployment deploy(String name, ModelArtifact artifact) {
    return deploy(served(name, artifact), artifact);
  }

  /**
   * Loads a registered model after checking every file against the registry's digests, and warms it
   * up.
   *
   * @throws io.athanor.api.error.FormatException if a file is missing or damaged
   * @throws io.athanor.api.error.StorageException if a file cannot be read
   * @throws io.athanor.api.error.NotFoundException if there is no backend
   * @throws io.athanor.api.error.UnsupportedException if the backend cannot run the model
   * @throws io.athanor.api.error.BackendException if the engine fails
   */
  public InProcessDeployment deploy(ModelVersion version) {
    ModelArtifact artifact = version.artifact();
    return deploy(served(version, artifact), artifact);
  }

  private InProcessDeployment deploy(ServedModel model, ModelArtifact artifact) {
    EncodedRow sample = model.features().encode(SampleRow.of(model.features()), "warm-up", 0);
    try (Opening opening = open()) {
      Backend used = opening.backend();
      Predictor predictor = opening.keep(Predictor.of(artifact, used, precision), Predictor::close);
      warmUp(predictor::predict, sample);
      var engine =
          new BatchEngine<EncodedRow, Prediction>(used.name(), predictor::predict, opening.take());
      var batcher =
          new MicroBatcher<>(
              model, engine, new RowAnswers(model, used.name()), policy(), nanoClock);
      batcher.start();
      return new InProcessDeployment(model, batcher, patience(model, used, ROWS), nanoClock);
    }
  }

  /**
   * Loads a language model that no registry knows to generate text, and warms it up.
   *
   * @param name letters, digits, dots and dashes; see {@link VersionId#requireName}
   * @throws io.athanor.api.error.NotFoundException if there is no backend
   * @throws io.athanor.api.error.UnsupportedException if it is no language model, or the backend
   *     cannot decode it
   * @throws io.athanor.api.error.BackendException if the engine fails
   */
  public TextDeployment text(String name, ModelArtifact artifact) {
    return text(served(name, artifact), artifact);
  }

  /**
   * Loads a registered language model to generate text after checking every file against the
   * registry's digests, and warms it up.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #deploy(ModelVersion)}, and if it is no
   *     language model or the backend cannot decode it
   */
  public TextDeployment text(ModelVersion version) {
    ModelArtifact artifact = version.artifact();
    return text(served(version, artifact), artifact);
  }

  private TextDeployment text(ServedModel model, ModelArtifact artifact) {
    try (Opening opening = open()) {
      Backend used = opening.backend();
      int places = adapters == null ? 0 : Math.max(adapters.resident(), maximumBatch);
      AdaptedBase roomy =
          adapters == null || !(artifact.encoding() instanceof LanguageEncoding)
              ? null
              : new AdaptedBase(artifact, adapters, places + 1);
      GenerationBatch batch = opening.keep(batch(artifact, roomy, used), GenerationBatch::close);
      batch.warmUp(maximumBatch);
      TextBatcher batcher =
          new TextBatcher(
              model,
              used.name(),
              batch,
              new AdapterPlaces(batch, places),
              opening.take(),
              maximumBatch,
              queueLimit,
              nanoClock);
      batcher.start();
      Optional<ServedAdapters> served =
          roomy == null || adapters == null
              ? Optional.empty()
              : Optional.of(new ServedAdapters(adapters, roomy));
      return new InProcessText(
          model, batch, served, batcher, patience(model, used, TEXTS), nanoClock);
    }
  }

  private GenerationBatch batch(ModelArtifact artifact, @Nullable AdaptedBase roomy, Backend on) {
    if (roomy == null || !(artifact.encoding() instanceof LanguageEncoding encoding)) {
      return GenerationBatch.of(artifact, on, precision, nanoClock);
    }
    GenerationBatch batch =
        GenerationBatch.of(roomy.graph(), roomy.weights(), encoding, on, precision, nanoClock);
    batch.replaceAdapter(0, Map.of());
    return batch;
  }

  /**
   * Loads an embedding model that no registry knows, and warms it up.
   *
   * @param name letters, digits, dots and dashes; see {@link VersionId#requireName}
   * @throws io.athanor.api.error.NotFoundException if there is no backend
   * @throws io.athanor.api.error.UnsupportedException if the model gives no vectors, or the backend
   *     cannot run it
   * @throws io.athanor.api.error.BackendException if the engine fails
   */
  public EmbeddingDeployment embedding(String name, ModelArtifact artifact) {
    return embedding(served(name, artifact), artifact);
  }

  /**
   * Loads a registered embedding model after checking every file against the registry's digests,
   * and warms it up.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #deploy(ModelVersion)}, and if the
   *     model gives no vectors
   */
  public EmbeddingDeployment embedding(ModelVersion version) {
    ModelArtifact artifact = version.artifact();
    return embedding(served(version, artifact), artifact);
  }

  private EmbeddingDeployment embedding(ServedModel model, ModelArtifact artifact) {
    try (Opening opening = open()) {
      Backend used = opening.backend();
      TextEmbedder embedder =
          opening.keep(TextEmbedder.of(artifact, used, precision), TextEmbedder::close);
      warmUp(embedder::embedTokens, new int[1]);
      var engine =
          new BatchEngine<int[], float[]>(used.name(), embedder::embedTokens, opening.take());
      var vectors = new InProcessEmbedding.Vectors(model, used.name());
      var batcher = new MicroBatcher<>(model, engine, vectors, policy(), nanoClock);
      batcher.start();
      return new InProcessEmbedding(
          model, embedder, batcher, patience(model, used, ROWS), nanoClock);
    }
  }

  /**
   * Loads a registered model of any kind: a {@link TextDeployment}, an {@link EmbeddingDeployment}
   * or, for rows, an {@link InProcessDeployment}.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #deploy(ModelVersion)}
   */
  public LiveModel open(ModelVersion version) {
    return open(version, version.artifact());
  }

  LiveModel open(ModelVersion version, ModelArtifact artifact) {
    ServedModel model = served(version, artifact);
    if (artifact.encoding() instanceof FeatureEncoding) {
      return deploy(model, artifact);
    }
    return artifact.task() instanceof Task.Embedding
        ? embedding(model, artifact)
        : text(model, artifact);
  }

  private static ServedModel served(String name, ModelArtifact artifact) {
    VersionId.requireName("name", name);
    Digest weights = artifact.weightsDigest();
    return new ServedModel(
        name,
        weights.brief(),
        artifact.architecture(),
        weights,
        artifact.encoding(),
        artifact.metrics());
  }

  private static ServedModel served(ModelVersion version, ModelArtifact artifact) {
    return new ServedModel(
        version.name(),
        Integer.toString(version.number()),
        artifact.architecture(),
        artifact.weightsDigest(),
        artifact.encoding(),
        version.metrics());
  }

  private BatchingPolicy policy() {
    return new BatchingPolicy(maximumBatch, maximumDelay, queueLimit);
  }

  private Patience patience(ServedModel model, Backend used, Duration unlessSet) {
    return new Patience(model, used.name(), timeout == null ? unlessSet : timeout);
  }

  /** Engines allocate and specialise on their first passes, and do so for each batch size. */
  private <Q> void warmUp(Consumer<List<Q>> passes, Q row) {
    for (int rows : new int[] {1, 1, maximumBatch}) {
      passes.accept(Collections.nCopies(rows, row));
    }
  }

  private Opening open() {
    Backend given = backend;
    return given != null ? new Opening(given, false) : new Opening(Opening.only(), true);
  }

  /** A model together with what is to be closed after its last batch. */
  private record BatchEngine<Q, P>(String name, Function<List<Q>, List<P>> passes, Runnable atEnd)
      implements MicroBatcher.Engine<Q, P> {
    @Override
    public List<P> predict(List<Q> rows) {
      return passes.apply(rows);
    }

    @Override
    public void close() {
      atEnd.run();
    }
  }
}
