package io.athanor.deploy.serve;

import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A model for rows behind a cache. What was refused is never in it, so it is refused again. */
record CachedDeployment(Deployment deployment, ResponseCache cache) implements Deployment {
  @Override
  public ServedModel model() {
    return deployment.model();
  }

  @Override
  public Answer predict(String text) {
    ResponseCache.Key key = ResponseCache.key(model(), text);
    return one(Optional.of(key), () -> deployment.predict(text));
  }

  @Override
  public Answer predict(Map<String, ? extends @Nullable Object> cells) {
    return one(ResponseCache.key(model(), cells), () -> deployment.predict(cells));
  }

  @Override
  public Answer predict(Row row) {
    return one(ResponseCache.key(model(), row), () -> deployment.predict(row));
  }

  private Answer one(Optional<ResponseCache.Key> key, Supplier<Answer> otherwise) {
    long begin = cache.now();
    return key.flatMap(known -> find(known, begin)).orElseGet(() -> kept(key, otherwise.get()));
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    long begin = cache.now();
    Optional<ResponseCache.Key> key = ResponseCache.key(model(), row);
    Optional<Answer> found = key.flatMap(known -> find(known, begin));
    if (found.isPresent()) {
      return CompletableFuture.completedFuture(found.get());
    }
    CompletableFuture<Answer> answer = deployment.predictAsync(row);
    // The caller gets the deployment's own future, so that cancelling it gives the row up.
    var unused = answer.thenAccept(given -> kept(key, given));
    return answer;
  }

  /** All from the cache, or else all from the model, so that its errors name each row's index. */
  @Override
  public List<Answer> predictAll(List<Row> rows) {
    long begin = cache.now();
    List<Optional<ResponseCache.Key>> keys =
        rows.stream().map(row -> ResponseCache.key(model(), row)).toList();
    List<Answer> found = new ArrayList<>();
    for (Optional<ResponseCache.Key> key : keys) {
      Optional<Answer> one = key.flatMap(known -> find(known, begin));
      if (one.isEmpty()) {
        break;
      }
      found.add(one.get());
    }
    if (found.size() == rows.size()) {
      return found;
    }
    List<Answer> given = deployment.predictAll(rows);
    for (int i = 0; i < given.size(); i++) {
      kept(keys.get(i), given.get(i));
    }
    return given;
  }

  private Optional<Answer> find(ResponseCache.Key key, long begin) {
    return cache
        .find(key, Answer.class)
        .map(
            given ->
                new Answer(given.model(), given.version(), given.prediction(), cache.since(begin)));
  }

  private Answer kept(Optional<ResponseCache.Key> key, Answer given) {
    key.ifPresent(known -> cache.keep(known, given));
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
