package io.athanor.deploy.serve;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.model.generate.FinishReason;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/** A language model behind a cache. A listener hears an answer from the cache in one piece. */
record CachedText(TextDeployment deployment, ResponseCache cache) implements TextDeployment {
  @Override
  public ServedModel model() {
    return deployment.model();
  }

  @Override
  public List<String> adapters() {
    return deployment.adapters();
  }

  @Override
  public TextAnswer generate(TextRequest request, Predicate<String> listener) {
    Optional<ResponseCache.Key> key = ResponseCache.key(model(), request);
    return key.flatMap(known -> find(known, listener))
        .orElseGet(() -> kept(key, deployment.generate(request, listener)));
  }

  @Override
  public CompletableFuture<TextAnswer> generateAsync(
      TextRequest request, Predicate<String> listener) {
    Optional<ResponseCache.Key> key = ResponseCache.key(model(), request);
    Optional<TextAnswer> found = key.flatMap(known -> find(known, listener));
    if (found.isPresent()) {
      return CompletableFuture.completedFuture(found.get());
    }
    CompletableFuture<TextAnswer> answer = deployment.generateAsync(request, listener);
    // The caller gets the deployment's own future, so that cancelling it ends the generation.
    var unused = answer.thenAccept(given -> kept(key, given));
    return answer;
  }

  private Optional<TextAnswer> find(ResponseCache.Key key, Predicate<String> listener) {
    long begin = cache.now();
    return cache
        .find(key, TextAnswer.class)
        .map(
            given -> {
              if (!given.text().isEmpty()) {
                boolean unused = listener.test(given.text()); // there is no more to stop
              }
              return new TextAnswer(
                  given.model(), given.version(), given.generated(), cache.since(begin));
            });
  }

  private TextAnswer kept(Optional<ResponseCache.Key> key, TextAnswer given) {
    if (given.generated().finish() != FinishReason.CANCELLED) {
      key.ifPresent(known -> cache.keep(known, given));
    }
    return given;
  }

  @Override
  public DeploymentStats stats() {
    return deployment.stats();
  }

  @Override
  public void close() {
    deployment.close();
  }
}
