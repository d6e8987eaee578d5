package io.athanor.deploy.serve;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.ValidationException;
import io.athanor.model.generate.TextEmbedder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * An embedding model served in this process; made by {@link InProcess}. The texts of many callers
 * go through the engine together.
 */
final class InProcessEmbedding implements EmbeddingDeployment {
  private final ServedModel model;
  private final TextEmbedder embedder;
  private final MicroBatcher<int[], float[], float[]> batcher;
  private final Patience patience;
  private final LongSupplier nanoClock;

  InProcessEmbedding(
      ServedModel model,
      TextEmbedder embedder,
      MicroBatcher<int[], float[], float[]> batcher,
      Patience patience,
      LongSupplier nanoClock) {
    this.model = model;
    this.embedder = embedder;
    this.batcher = batcher;
    this.patience = patience;
    this.nanoClock = nanoClock;
  }

  @Override
  public ServedModel model() {
    return model;
  }

  @Override
  public int dimensions() {
    return embedder.dimensions();
  }

  @Override
  public EmbeddingAnswer embed(List<String> texts) {
    long begin = nanoClock.getAsLong();
    List<int[]> ids = tokens(texts);
    List<float[]> vectors =
        ids.isEmpty() ? List.of() : patience.await(batcher.submit(ids, begin), batcher::abandon);
    return new EmbeddingAnswer(
        model.name(),
        model.version(),
        vectors,
        ids.stream().mapToLong(one -> one.length).sum(),
        Duration.ofNanos(nanoClock.getAsLong() - begin));
  }

  private List<int[]> tokens(List<String> texts) {
    List<int[]> all = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      int[] ids = texts.get(i).isEmpty() ? new int[0] : embedder.tokens(texts.get(i));
      if (ids.length == 0) {
        problems.add("text " + i + " has no tokens; give it at least one word");
      }
      all.add(ids);
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("texts", problems);
    }
    return all;
  }

  @Override
  public DeploymentStats stats() {
    return batcher.stats();
  }

  @Override
  public void close() {
    batcher.close(patience.longest());
  }

  /** Vectors as answers. */
  record Vectors(ServedModel model, String backend)
      implements MicroBatcher.Kind<int[], float[], float[]> {
    @Override
    public int length(int[] tokens) {
      return tokens.length;
    }

    @Override
    public float[] answer(float[] vector, Duration latency) {
      for (float value : vector) {
        if (!Float.isFinite(value)) {
          throw new BackendException(
              backend, model + " gave a number that is not finite; train it anew or roll it back");
        }
      }
      return vector;
    }
  }
}
