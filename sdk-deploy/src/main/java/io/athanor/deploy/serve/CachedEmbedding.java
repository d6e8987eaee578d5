package io.athanor.deploy.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import java.util.List;
import java.util.Optional;

/** An embedding model behind a cache. */
record CachedEmbedding(EmbeddingDeployment deployment, ResponseCache cache)
    implements EmbeddingDeployment {
  @Override
  public ServedModel model() {
    return deployment.model();
  }

  @Override
  public int dimensions() {
    return deployment.dimensions();
  }

  @Override
  public EmbeddingAnswer embed(List<String> texts) {
    long begin = cache.now();
    ObjectNode input = JsonNodeFactory.instance.objectNode();
    ArrayNode all = input.putArray("texts");
    texts.forEach(all::add);
    ResponseCache.Key key = ResponseCache.key(model(), input);
    Optional<EmbeddingAnswer> found = cache.find(key, EmbeddingAnswer.class);
    if (found.isPresent()) {
      EmbeddingAnswer given = found.get();
      return new EmbeddingAnswer(
          given.model(), given.version(), copies(given), given.tokens(), cache.since(begin));
    }
    EmbeddingAnswer given = deployment.embed(texts);
    cache.keep(
        key,
        new EmbeddingAnswer(
            given.model(), given.version(), copies(given), given.tokens(), given.latency()));
    return given;
  }

  /** Vectors are arrays, which a caller may write to. */
  private static List<float[]> copies(EmbeddingAnswer answer) {
    return answer.vectors().stream().map(float[]::clone).toList();
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
