package io.athanor.deploy.rollout;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.deploy.serve.EmbeddingAnswer;
import io.athanor.deploy.serve.EmbeddingDeployment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Two models that turn texts into vectors, one of which answers each request. Where the candidate
 * fails the champion answers. {@link EmbeddingAnswer#version} says who did. Thread-safe.
 */
public final class RolloutEmbeddings implements EmbeddingDeployment {
  private final Router<EmbeddingDeployment> router;
  private final Rollout rollout;
  private final Optional<String> key;
  private final List<PairListener<EmbeddingAnswer>> listeners;

  RolloutEmbeddings(Router<EmbeddingDeployment> router, Rollout rollout) {
    this(router, rollout, Optional.empty(), new CopyOnWriteArrayList<>());
  }

  private RolloutEmbeddings(
      Router<EmbeddingDeployment> router,
      Rollout rollout,
      Optional<String> key,
      List<PairListener<EmbeddingAnswer>> listeners) {
    this.router = router;
    this.rollout = rollout;
    this.key = key;
    this.listeners = listeners;
  }

  /** Its course. */
  public Rollout rollout() {
    return rollout;
  }

  /**
   * The same for one collection of vectors: as long as the shares grow, whoever has the candidate
   * keeps it. Closing either closes both.
   */
  public RolloutEmbeddings forKey(String sticky) {
    return new RolloutEmbeddings(router, rollout, Optional.of(sticky), listeners);
  }

  /** Hears of every request that both were asked; see {@link Strategy.Step#compared}. */
  public RolloutEmbeddings onCompared(PairListener<EmbeddingAnswer> listener) {
    listeners.add(listener);
    return this;
  }

  @Override
  public ServedModel model() {
    return router.model();
  }

  @Override
  public int dimensions() {
    return router.winner().dimensions();
  }

  @Override
  public EmbeddingAnswer embed(List<String> texts) {
    return router.ask(key, new Texts(List.copyOf(texts)));
  }

  @Override
  public DeploymentStats stats() {
    return router.stats();
  }

  /** Ends this process's part in the rollout, whose state stays, and closes both models. */
  @Override
  public void close() {
    rollout.close();
  }

  private final class Texts implements Question<EmbeddingDeployment, EmbeddingAnswer> {
    private final List<String> texts;

    Texts(List<String> texts) {
      this.texts = texts;
    }

    @Override
    public EmbeddingAnswer ask(EmbeddingDeployment model) {
      return model.embed(texts);
    }

    @Override
    public CompletableFuture<EmbeddingAnswer> begin(EmbeddingDeployment model) {
      return router.beginBlocking(() -> model.embed(texts));
    }

    @Override
    public void compared(
        Optional<String> about, EmbeddingAnswer champion, EmbeddingAnswer candidate) {
      listeners.forEach(each -> each.answered(about, champion, candidate));
    }
  }
}
