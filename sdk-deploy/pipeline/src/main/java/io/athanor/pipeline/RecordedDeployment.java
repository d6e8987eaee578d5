package io.athanor.pipeline;

import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.AthanorException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A deployment whose use a registry learns of. That it does not take the rest at the end keeps
 * nobody from closing; closing again tries again.
 */
record RecordedDeployment(Deployment deployment, UsageRecorder recorder) implements Deployment {
  private static final Logger LOG = LoggerFactory.getLogger(RecordedDeployment.class);

  @Override
  public ServedModel model() {
    return deployment.model();
  }

  @Override
  public Answer predict(String text) {
    return deployment.predict(text);
  }

  @Override
  public Answer predict(Map<String, ? extends @Nullable Object> cells) {
    return deployment.predict(cells);
  }

  @Override
  public Answer predict(Row row) {
    return deployment.predict(row);
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    return deployment.predictAsync(row);
  }

  @Override
  public List<Answer> predictAll(List<Row> rows) {
    return deployment.predictAll(rows);
  }

  @Override
  public DeploymentStats stats() {
    return deployment.stats();
  }

  @Override
  public void close() {
    try {
      deployment.close();
    } finally {
      recordRest();
    }
  }

  private void recordRest() {
    try {
      recorder.close();
    } catch (AthanorException e) {
      LOG.warn("The last use of {} is not recorded", model(), e);
    }
  }
}
