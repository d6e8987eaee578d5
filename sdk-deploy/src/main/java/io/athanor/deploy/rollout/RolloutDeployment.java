package io.athanor.deploy.rollout;

import io.athanor.api.data.Row;
import io.athanor.api.data.Schema;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.input.RowReader;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Two models of one kind of rows, one of which answers each request. Where the candidate fails the
 * champion answers. {@link Answer#version} says who did. Thread-safe.
 */
public final class RolloutDeployment implements Deployment {
  private final Router<Deployment> router;
  private final Rollout rollout;
  private final RowReader reader;
  private final Optional<String> key;
  private final List<PairListener<Answer>> listeners;

  RolloutDeployment(Router<Deployment> router, Rollout rollout) {
    this(
        router,
        rollout,
        new RowReader(router.model().features()),
        Optional.empty(),
        new CopyOnWriteArrayList<>());
  }

  private RolloutDeployment(
      Router<Deployment> router,
      Rollout rollout,
      RowReader reader,
      Optional<String> key,
      List<PairListener<Answer>> listeners) {
    this.router = router;
    this.rollout = rollout;
    this.reader = reader;
    this.key = key;
    this.listeners = listeners;
  }

  /**
   * Checks that whoever may ask one may ask the other.
   *
   * @throws ValidationException if not; lists both
   */
  static void requireSameColumns(ServedModel champion, ServedModel candidate) {
    Schema one = champion.schema();
    Schema other = candidate.schema();
    if (!one.features().equals(other.features())) {
      throw new ValidationException(
          "candidate",
          List.of(
              champion
                  + " reads "
                  + one.features()
                  + ", "
                  + candidate
                  + " reads "
                  + other.features()));
    }
  }

  /** Its course. */
  public Rollout rollout() {
    return rollout;
  }

  /**
   * The same for one user, session or item: as long as the shares grow, whoever has the candidate
   * keeps it. Closing either closes both.
   */
  public RolloutDeployment forKey(String sticky) {
    return new RolloutDeployment(router, rollout, reader, Optional.of(sticky), listeners);
  }

  /** Hears of every row that both were asked; see {@link Strategy.Step#compared}. */
  public RolloutDeployment onCompared(PairListener<Answer> listener) {
    listeners.add(listener);
    return this;
  }

  @Override
  public ServedModel model() {
    return router.model();
  }

  @Override
  public Answer predict(String text) {
    return predict(reader.read(text));
  }

  @Override
  public Answer predict(Map<String, ? extends @Nullable Object> cells) {
    return predict(reader.read(cells));
  }

  @Override
  public Answer predict(Row row) {
    return router.ask(key, new One(row));
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    return router.askAsync(key, new One(row));
  }

  /** One model answers all of them. */
  @Override
  public List<Answer> predictAll(List<Row> rows) {
    return rows.isEmpty() ? List.of() : router.ask(key, new Many(List.copyOf(rows)));
  }

  private void compared(Optional<String> about, Answer champion, Answer candidate) {
    listeners.forEach(listener -> listener.answered(about, champion, candidate));
  }

  @Override
  public DeploymentStats stats() {
    return router.stats();
  }

  /** Ends this process's part in the rollout, whose state stays, and closes both models. */
  @Override
  public void close() {
    rollout.close();
  }

  private final class One implements Question<Deployment, Answer> {
    private final Row row;

    One(Row row) {
      this.row = row;
    }

    @Override
    public Answer ask(Deployment model) {
      return model.predict(row);
    }

    @Override
    public CompletableFuture<Answer> begin(Deployment model) {
      return model.predictAsync(row);
    }

    @Override
    public void compared(Optional<String> about, Answer champion, Answer candidate) {
      RolloutDeployment.this.compared(about, champion, candidate);
    }
  }

  private final class Many implements Question<Deployment, List<Answer>> {
    private final List<Row> rows;

    Many(List<Row> rows) {
      this.rows = rows;
    }

    @Override
    public List<Answer> ask(Deployment model) {
      return model.predictAll(rows);
    }

    @Override
    public CompletableFuture<List<Answer>> begin(Deployment model) {
      return router.beginBlocking(() -> model.predictAll(rows));
    }

    @Override
    public void compared(Optional<String> about, List<Answer> champion, List<Answer> candidate) {
      for (int i = 0; i < champion.size(); i++) {
        RolloutDeployment.this.compared(about, champion.get(i), candidate.get(i));
      }
    }
  }
}
