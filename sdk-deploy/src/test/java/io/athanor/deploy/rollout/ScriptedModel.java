package io.athanor.deploy.rollout;

import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.FormatException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.tck.fixture.TinyArtifacts;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/** A model of texts that does what a test says, and counts. Time passes when it answers. */
final class ScriptedModel implements Deployment {
  private static final ModelArtifact SPAM = TinyArtifacts.spam();

  final AtomicLong asked = new AtomicLong();
  final AtomicInteger closed = new AtomicInteger();
  volatile Function<Row, String> label = row -> "spam";
  volatile boolean failing;
  volatile boolean hanging;
  volatile Duration takes = Duration.ofMillis(1);
  private final ServedModel model;
  private final TestTime time;

  ScriptedModel(int version, TestTime time) {
    this.model =
        new ServedModel(
            "spam-filter",
            Integer.toString(version),
            SPAM.architecture(),
            SPAM.weightsDigest(),
            SPAM.featureEncoding(),
            Map.of());
    this.time = time;
  }

  static Row row(String text) {
    return Row.of(SPAM.featureEncoding().schema().features().get(0).name(), text);
  }

  @Override
  public ServedModel model() {
    return model;
  }

  @Override
  public Answer predict(String text) {
    return predict(row(text));
  }

  @Override
  public Answer predict(Map<String, ? extends Object> cells) {
    return predict(Row.of(cells));
  }

  @Override
  public Answer predict(Row row) {
    return predictAsync(row).join();
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    if (closed.get() > 0) {
      throw new IllegalStateException(model + " is closed");
    }
    if (row.toString().contains("malformed")) {
      throw new FormatException("input", "the row does not fit");
    }
    asked.incrementAndGet();
    if (hanging) {
      return new CompletableFuture<>();
    }
    time.pass(takes);
    if (failing) {
      return CompletableFuture.failedFuture(new BackendException("scripted", "out of order"));
    }
    return CompletableFuture.completedFuture(
        new Answer(
            model.name(),
            model.version(),
            new Prediction.Label(label.apply(row), 1, List.of()),
            takes));
  }

  @Override
  public List<Answer> predictAll(List<Row> rows) {
    return rows.stream().map(this::predict).toList();
  }

  @Override
  public DeploymentStats stats() {
    return new DeploymentStats(
        asked.get(), 0, 0, asked.get(), 1, 0, Duration.ZERO, Duration.ZERO, Duration.ZERO);
  }

  @Override
  public void close() {
    closed.incrementAndGet();
  }
}
