package io.athanor.deploy.rollout;

import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** A scripted model whose answers really take the time it says. */
final class PacedModel implements Deployment {
  private final ScriptedModel script;

  PacedModel(ScriptedModel script) {
    this.script = script;
  }

  @Override
  public ServedModel model() {
    return script.model();
  }

  @Override
  public Answer predict(String text) {
    return predictAsync(ScriptedModel.row(text)).join();
  }

  @Override
  public Answer predict(Map<String, ? extends Object> cells) {
    return predictAsync(Row.of(cells)).join();
  }

  @Override
  public Answer predict(Row row) {
    return predictAsync(row).join();
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    CompletableFuture<Answer> answer = script.predictAsync(row);
    if (!answer.isDone()) {
      return answer;
    }
    Executor later =
        CompletableFuture.delayedExecutor(script.takes.toNanos(), TimeUnit.NANOSECONDS);
    return CompletableFuture.runAsync(() -> {}, later).thenCompose(done -> answer);
  }

  @Override
  public List<Answer> predictAll(List<Row> rows) {
    return rows.stream().map(this::predict).toList();
  }

  @Override
  public DeploymentStats stats() {
    return script.stats();
  }

  @Override
  public void close() {
    script.close();
  }
}
