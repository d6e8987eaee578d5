package io.athanor.deploy.serve;

import io.athanor.api.data.EncodedRow;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.input.RowReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A model served in this process; made by {@link InProcess}. The caller's thread checks and encodes
 * a row, a thread of the deployment takes it through the engine together with the rows of others.
 * Thread-safe.
 */
public final class InProcessDeployment implements Deployment {
  private final ServedModel model;
  private final MicroBatcher<EncodedRow, Prediction, Answer> batcher;
  private final RowReader reader;
  private final Patience patience;
  private final LongSupplier nanoClock;

  InProcessDeployment(
      ServedModel model,
      MicroBatcher<EncodedRow, Prediction, Answer> batcher,
      Patience patience,
      LongSupplier nanoClock) {
    this.model = model;
    this.batcher = batcher;
    this.reader = new RowReader(model.features());
    this.patience = patience;
    this.nanoClock = nanoClock;
  }

  @Override
  public ServedModel model() {
    return model;
  }

  @Override
  public Answer predict(String text) {
    long begin = nanoClock.getAsLong();
    return one(reader.read(text), begin);
  }

  @Override
  public Answer predict(Map<String, ? extends @Nullable Object> cells) {
    long begin = nanoClock.getAsLong();
    return one(reader.read(cells), begin);
  }

  @Override
  public Answer predict(Row row) {
    return one(row, nanoClock.getAsLong());
  }

  private Answer one(Row row, long begin) {
    return await(batcher.submit(List.of(encode(row)), begin)).get(0);
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    long begin = nanoClock.getAsLong();
    return batcher.submit(List.of(encode(row)), begin).get(0);
  }

  @Override
  public List<Answer> predictAll(List<Row> rows) {
    long begin = nanoClock.getAsLong();
    List<EncodedRow> encoded = new ArrayList<>(rows.size());
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      try {
        encoded.add(encode(rows.get(i)));
      } catch (FormatException e) {
        problems.add("row " + i + ": " + e.getMessage());
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("rows", problems);
    }
    return rows.isEmpty() ? List.of() : await(batcher.submit(encoded, begin));
  }

  /** Reads rows from JSON, text or maps as this deployment's model wants them. */
  public RowReader reader() {
    return reader;
  }

  /**
   * Checks a row against the model and encodes it, without touching the engine.
   *
   * @throws FormatException if the row does not fit; names the column
   */
  public EncodedRow encode(Row row) {
    reader.requireKnown(row);
    return model.features().encode(row, RowReader.SOURCE, 0);
  }

  /**
   * Queues encoded rows, all or none.
   *
   * @param rows at least one, made by {@link #encode}
   * @throws BackendException if the queue is full; retryable
   * @throws IllegalStateException after {@link #close}
   */
  public List<CompletableFuture<Answer>> submit(List<EncodedRow> rows) {
    return batcher.submit(rows, nanoClock.getAsLong());
  }

  /**
   * Waits for answers, together no longer than the deployment's timeout. Rows without an answer by
   * then are given up.
   *
   * @param answers from {@link #submit}
   * @throws AthanorException what the engine failed with
   * @throws BackendException if the time is up or the thread is interrupted; retryable
   */
  public List<Answer> await(List<CompletableFuture<Answer>> answers) {
    return patience.await(answers, batcher::abandon);
  }

  @Override
  public DeploymentStats stats() {
    return batcher.stats();
  }

  @Override
  public void close() {
    batcher.close(patience.longest());
  }
}
