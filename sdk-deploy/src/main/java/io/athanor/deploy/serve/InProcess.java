package io.athanor.deploy.serve;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Backends;
import io.athanor.api.data.EncodedRow;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.api.model.Predictor;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** How to serve a model in this process. Not thread-safe; each {@code deploy} stands alone. */
public final class InProcess {
  private @Nullable Backend backend;
  private int maximumBatch = 32;
  private Duration maximumDelay = Duration.ofMillis(2);
  private int queueLimit = 1_024;
  private Duration timeout = Duration.ofSeconds(30);
  private LongSupplier nanoClock = System::nanoTime;

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

  /** How long a call waits for its answer, and closing for the engine; 30 seconds unless set. */
  public InProcess timeout(Duration longest) {
    if (longest.isNegative() || longest.isZero() || longest.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException("timeout must be above 0, up to 1 hour, got " + longest);
    }
    this.timeout = longest;
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
    VersionId.requireName("name", name);
    return deploy(
        new ServedModel(
            name,
            artifact.weightsDigest().brief(),
            artifact.architecture(),
            artifact.weightsDigest(),
            artifact.featureEncoding(),
            artifact.metrics()),
        artifact);
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
    return deploy(
        new ServedModel(
            version.name(),
            Integer.toString(version.number()),
            artifact.architecture(),
            artifact.weightsDigest(),
            artifact.featureEncoding(),
            version.metrics()),
        artifact);
  }

  private InProcessDeployment deploy(ServedModel model, ModelArtifact artifact) {
    Backend given = backend;
    Backend used = given != null ? given : open(Backends.installed().only());
    CompiledEngine engine = null;
    try {
      engine = new CompiledEngine(used, given == null, Predictor.of(artifact, used));
      warmUp(engine, model);
    } catch (RuntimeException | Error e) {
      if (engine != null) {
        engine.close();
      } else if (given == null) {
        used.close();
      }
      throw e;
    }
    BatchingPolicy policy = new BatchingPolicy(maximumBatch, maximumDelay, queueLimit);
    MicroBatcher batcher = new MicroBatcher(model, engine, policy, nanoClock);
    batcher.start();
    return new InProcessDeployment(model, used.name(), batcher, timeout, nanoClock);
  }

  private static Backend open(BackendProvider provider) {
    provider.probe().require();
    return provider.open(BackendOptions.defaults());
  }

  /** Engines allocate and specialise on their first passes, and do so for each batch size. */
  private void warmUp(CompiledEngine engine, ServedModel model) {
    EncodedRow row = model.features().encode(SampleRow.of(model.features()), "warm-up", 0);
    for (int rows : new int[] {1, 1, maximumBatch}) {
      engine.predict(Collections.nCopies(rows, row));
    }
  }

  /** A predictor together with the backend it runs on. */
  private record CompiledEngine(Backend backend, boolean owned, Predictor predictor)
      implements MicroBatcher.Engine {
    @Override
    public String name() {
      return backend.name();
    }

    @Override
    public List<Prediction> predict(List<EncodedRow> rows) {
      return predictor.predict(rows);
    }

    @Override
    public void close() {
      try {
        predictor.close();
      } finally {
        if (owned) {
          backend.close();
        }
      }
    }
  }
}
