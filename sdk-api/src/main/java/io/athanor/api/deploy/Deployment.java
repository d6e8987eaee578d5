package io.athanor.api.deploy;

import io.athanor.api.data.Row;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A model that predicts a column of rows. Thread-safe.
 *
 * <p>Every call checks its input against the model's schema before anything is computed: each
 * feature column must be there (null says that a cell is missing), and no other may be. A bad row
 * never disturbs other callers.
 */
public interface Deployment extends LiveModel {
  /**
   * The answer for a text.
   *
   * @throws io.athanor.api.error.FormatException if the model does not read exactly one text column
   * @throws io.athanor.api.error.BackendException if the engine fails, does not answer in time, or
   *     has too much to do; then {@code retryable()} is true
   * @throws IllegalStateException after {@link #close}
   */
  Answer predict(String text);

  /**
   * The answer for a row given as column names and cells: numbers, strings, pixels or null.
   *
   * @throws io.athanor.api.error.FormatException if the row does not fit the schema; names the
   *     column
   * @throws io.athanor.api.error.BackendException as {@link #predict(String)}
   * @throws IllegalStateException after {@link #close}
   */
  Answer predict(Map<String, ? extends @Nullable Object> cells);

  /**
   * The answer for a row. A cell that the row lacks counts as missing.
   *
   * @throws io.athanor.api.error.FormatException if the row does not fit the schema; names the
   *     column
   * @throws io.athanor.api.error.BackendException as {@link #predict(String)}
   * @throws IllegalStateException after {@link #close}
   */
  Answer predict(Row row);

  /**
   * Begins the answer for a row. Throws at once what {@link #predict(Row)} throws for the row or a
   * full queue; the future carries only failures of the engine. What is chained to it without an
   * executor of its own delays other callers.
   */
  CompletableFuture<Answer> predictAsync(Row row);

  /**
   * The answers for rows, in their order. Nothing is predicted unless every row fits the schema.
   *
   * @param rows any number; none gives no answers
   * @throws io.athanor.api.error.ValidationException if rows do not fit the schema; lists each with
   *     its index, counted from 0
   * @throws io.athanor.api.error.BackendException as {@link #predict(String)}
   * @throws IllegalStateException after {@link #close}
   */
  List<Answer> predictAll(List<Row> rows);
}
