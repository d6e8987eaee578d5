package io.athanor.deploy.monitor;

import io.athanor.api.data.Row;
import io.athanor.api.data.Traits;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.deploy.serve.EmbeddingAnswer;
import io.athanor.deploy.serve.EmbeddingDeployment;
import java.util.List;

/**
 * A model for embeddings that is watched; made by {@link Monitoring}. Texts and vectors are looked
 * at for drift. Thread-safe.
 */
public final class MonitoredEmbedding implements EmbeddingDeployment, Monitored {
  private final EmbeddingDeployment deployment;
  private final Monitor monitor;
  private final Traits traits;

  MonitoredEmbedding(EmbeddingDeployment deployment, Monitor monitor) {
    this.deployment = deployment;
    this.monitor = monitor;
    this.traits = Traits.of(deployment.model().encoding());
  }

  @Override
  public Monitor monitor() {
    return monitor;
  }

  @Override
  public int dimensions() {
    return deployment.dimensions();
  }

  @Override
  public EmbeddingAnswer embed(List<String> texts) {
    EmbeddingAnswer answer = monitor.timed(() -> deployment.embed(texts));
    look(texts, answer.vectors());
    return answer;
  }

  private void look(List<String> texts, List<float[]> vectors) {
    for (int i = 0; i < vectors.size(); i++) {
      String text = texts.get(i);
      float[] vector = vectors.get(i);
      monitor.look(
          () ->
              tallies -> {
                traits.read(Row.of(Traits.TEXT, text), tallies);
                tallies.vector(vector);
              });
    }
  }

  @Override
  public ServedModel model() {
    return deployment.model();
  }

  @Override
  public DeploymentStats stats() {
    return deployment.stats();
  }

  /** Closes the deployment too. */
  @Override
  public void close() {
    try {
      deployment.close();
    } finally {
      monitor.close();
    }
  }
}
