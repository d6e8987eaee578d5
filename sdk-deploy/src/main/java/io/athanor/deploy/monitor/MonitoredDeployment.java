package io.athanor.deploy.monitor;

import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.Trait;
import io.athanor.api.data.Traits;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.model.Prediction;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A deployment that is watched; made by {@link Monitoring}. Thread-safe. */
public final class MonitoredDeployment implements Deployment, Monitored {
  private final Deployment deployment;
  private final Monitor monitor;
  private final Optional<Function<? super Row, float[]>> embedder;
  private final Traits traits;
  private final String firstColumn;
  private final Trait prediction;
  private final Trait confidence;

  MonitoredDeployment(Deployment deployment, Monitoring settings, Monitor monitor) {
    this.deployment = deployment;
    this.monitor = monitor;
    this.embedder = settings.embedder;
    FeatureEncoding features = deployment.model().features();
    this.traits = Traits.of(features);
    this.firstColumn = features.encoders().get(0).column();
    this.prediction = new Trait(features.target().column(), Trait.Aspect.PREDICTION);
    this.confidence = new Trait(features.target().column(), Trait.Aspect.CONFIDENCE);
  }

  @Override
  public Monitor monitor() {
    return monitor;
  }

  /**
   * The answer for a row, with an id for feedback.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #predict(Row)}
   */
  public Asked<Answer> ask(Row row) {
    Answer answer = predict(row);
    return monitor.remember(answer, exchange(row, answer));
  }

  private static RecentAnswers.Exchange exchange(Row row, Answer answer) {
    Object predicted =
        answer.prediction() instanceof Prediction.Quantity quantity
            ? (Object) quantity.value()
            : ((Prediction.Label) answer.prediction()).label();
    return new RecentAnswers.Exchange(answer.model(), answer.version(), row, predicted);
  }

  @Override
  public Answer predict(String text) {
    Answer answer = monitor.timed(() -> deployment.predict(text));
    look(Row.of(firstColumn, text), answer);
    return answer;
  }

  @Override
  public Answer predict(Map<String, ? extends @Nullable Object> cells) {
    Answer answer = monitor.timed(() -> deployment.predict(cells));
    look(Row.of(cells), answer);
    return answer;
  }

  @Override
  public Answer predict(Row row) {
    Answer answer = monitor.timed(() -> deployment.predict(row));
    look(row, answer);
    return answer;
  }

  @Override
  public List<Answer> predictAll(List<Row> rows) {
    List<Answer> answers = monitor.timed(() -> deployment.predictAll(rows));
    for (int i = 0; i < answers.size(); i++) {
      look(rows.get(i), answers.get(i));
    }
    return answers;
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    return monitor.timedAsync(() -> deployment.predictAsync(row), answer -> look(row, answer));
  }

  /**
   * As {@link #predictAll(List)}, with ids for feedback that the caller chose.
   *
   * @param ids one for each row, none used before
   */
  public List<Answer> predictAll(List<Row> rows, List<String> ids) {
    if (ids.size() != rows.size()) {
      throw new IllegalArgumentException(
          "ids must be as many as rows, " + rows.size() + ", got " + ids.size());
    }
    List<Answer> answers = predictAll(rows);
    for (int i = 0; i < answers.size(); i++) {
      monitor.remember(ids.get(i), exchange(rows.get(i), answers.get(i)));
    }
    return answers;
  }

  /**
   * As {@link #predictAsync(Row)}, with an id for feedback that the caller chose. Feedback can name
   * it as soon as the answer is there.
   *
   * @param id none used before
   */
  public CompletableFuture<Answer> predictAsync(Row row, String id) {
    return monitor.remembered(predictAsync(row), id, answer -> exchange(row, answer));
  }

  private void look(Row row, Answer answer) {
    monitor.look(
        () -> {
          Optional<float[]> vector = embedder.map(vectors -> vectors.apply(row));
          return tallies -> {
            count(row, answer, tallies);
            vector.ifPresent(tallies::vector);
          };
        });
  }

  private void count(Row row, Answer answer, Tallies tallies) {
    traits.read(row, tallies);
    if (answer.prediction() instanceof Prediction.Label label) {
      tallies.category(prediction, label.label());
      tallies.number(confidence, label.confidence());
    } else if (answer.prediction() instanceof Prediction.Quantity quantity) {
      tallies.number(prediction, quantity.value());
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
