package io.athanor.deploy.monitor;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.model.Prediction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Answers as a test says: adults from 18 on, unless another function is set. */
final class ScriptedDeployment implements Deployment {
  static final ServedModel MODEL =
      new ServedModel(
          "ages",
          "3",
          "by hand",
          Digest.ofText("weights"),
          new FeatureEncoding(
              List.of(new Encoder.Standardize("age", 40, 10)),
              new TargetEncoder.Label("group", List.of("child", "adult")),
              Optional.empty()),
          Map.of());

  Function<Row, Prediction> answer = ScriptedDeployment::byAge;
  final List<CompletableFuture<Answer>> begun = new ArrayList<>();
  boolean hanging;
  boolean closed;

  private static Prediction byAge(Row row) {
    Object age = row.cell("age");
    String label = age instanceof Double years && years >= 18 ? "adult" : "child";
    return new Prediction.Label(label, 0.9, List.of(new Prediction.Alternative(label, 0.9)));
  }

  @Override
  public Answer predict(Row row) {
    return new Answer("ages", "3", answer.apply(row), Duration.ZERO);
  }

  @Override
  public Answer predict(String text) {
    return predict(Row.of("age", text));
  }

  @Override
  public Answer predict(Map<String, ? extends @Nullable Object> cells) {
    return predict(Row.of(cells));
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    CompletableFuture<Answer> answer =
        hanging
            ? new CompletableFuture<>()
            : CompletableFuture.supplyAsync(() -> predict(row), Runnable::run);
    begun.add(answer);
    return answer;
  }

  @Override
  public List<Answer> predictAll(List<Row> rows) {
    return rows.stream().map(this::predict).toList();
  }

  @Override
  public ServedModel model() {
    return MODEL;
  }

  @Override
  public DeploymentStats stats() {
    return new DeploymentStats(0, 0, 0, 0, 0, 0, Duration.ZERO, Duration.ZERO, Duration.ZERO);
  }

  @Override
  public void close() {
    closed = true;
  }
}
