package io.athanor.deploy.rollout;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/**
 * Two language models, one of which answers each request. Where the candidate fails the champion
 * answers, unless a piece of the candidate's answer has been heard already: then the failure is the
 * caller's. {@link TextAnswer#version} says who answered. Thread-safe.
 */
public final class RolloutTexts implements TextDeployment {
  private final Router<TextDeployment> router;
  private final Rollout rollout;
  private final Optional<String> key;
  private final List<PairListener<TextAnswer>> listeners;

  RolloutTexts(Router<TextDeployment> router, Rollout rollout) {
    this(router, rollout, Optional.empty(), new CopyOnWriteArrayList<>());
  }

  private RolloutTexts(
      Router<TextDeployment> router,
      Rollout rollout,
      Optional<String> key,
      List<PairListener<TextAnswer>> listeners) {
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
   * The same for one user or conversation: as long as the shares grow, whoever has the candidate
   * keeps it. Closing either closes both.
   */
  public RolloutTexts forKey(String sticky) {
    return new RolloutTexts(router, rollout, Optional.of(sticky), listeners);
  }

  /** Hears of every request that both were asked; see {@link Strategy.Step#compared}. */
  public RolloutTexts onCompared(PairListener<TextAnswer> listener) {
    listeners.add(listener);
    return this;
  }

  @Override
  public ServedModel model() {
    return router.model();
  }

  @Override
  public List<String> adapters() {
    return router.winner().adapters();
  }

  @Override
  public TextAnswer generate(TextRequest request, Predicate<String> listener) {
    return router.ask(key, new Prompt(request, listener));
  }

  @Override
  public CompletableFuture<TextAnswer> generateAsync(
      TextRequest request, Predicate<String> listener) {
    return router.askAsync(key, new Prompt(request, listener));
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

  private final class Prompt implements Question<TextDeployment, TextAnswer> {
    private final TextRequest request;
    private final Predicate<String> listener;
    private volatile boolean heard;

    Prompt(TextRequest request, Predicate<String> listener) {
      this.request = request;
      this.listener = listener;
    }

    private boolean hear(String piece) {
      heard = true;
      return listener.test(piece);
    }

    @Override
    public TextAnswer ask(TextDeployment model) {
      return model.generate(request, this::hear);
    }

    @Override
    public CompletableFuture<TextAnswer> begin(TextDeployment model) {
      return model.generateAsync(request, this::hear);
    }

    @Override
    public CompletableFuture<TextAnswer> beside(TextDeployment model) {
      return model.generateAsync(request, piece -> true);
    }

    @Override
    public boolean repeatable() {
      return !heard;
    }

    @Override
    public void compared(Optional<String> about, TextAnswer champion, TextAnswer candidate) {
      listeners.forEach(each -> each.answered(about, champion, candidate));
    }
  }
}
