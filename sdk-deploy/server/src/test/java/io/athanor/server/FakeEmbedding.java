package io.athanor.server;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.deploy.serve.EmbeddingAnswer;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.tck.fixture.TinyArtifacts;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Vectors that tell how long texts are. */
final class FakeEmbedding implements EmbeddingDeployment {
  @Override
  public ServedModel model() {
    return new ServedModel(
        "embedder",
        "1",
        "tiny",
        TinyArtifacts.spam().weightsDigest(),
        new LanguageEncoding(
            new Task.Embedding("pair", 0.1),
            WordTokenizer.fit(List.of("one two"), 20, 1),
            64,
            List.of(),
            Optional.empty(),
            Map.of()),
        Map.of());
  }

  @Override
  public int dimensions() {
    return 2;
  }

  @Override
  public EmbeddingAnswer embed(List<String> texts) {
    return new EmbeddingAnswer(
        "embedder",
        "1",
        texts.stream().map(text -> new float[] {text.length(), 0.5f}).toList(),
        3L * texts.size(),
        Duration.ofMillis(1));
  }

  @Override
  public DeploymentStats stats() {
    return new DeploymentStats(0, 0, 0, 0, 0, 0, Duration.ZERO, Duration.ZERO, Duration.ZERO);
  }

  @Override
  public void close() {}
}
