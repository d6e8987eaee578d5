package io.athanor.server.serving;

import io.athanor.api.deploy.LiveModel;
import io.athanor.api.error.OverloadException;
import io.athanor.deploy.monitor.MonitoredText;
import io.athanor.deploy.serve.OutOfTime;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.server.http.HttpProblem;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * How models are asked: says of their refusals what HTTP says of them, and writes their answers.
 * Thread-safe.
 *
 * @param writers write answers and failures where writing may have to wait for a reader, so that no
 *     slow one holds up a model
 * @param deadlines how long an answer may take
 */
public record Asking(Executor writers, Deadlines deadlines) {

  /**
   * Begins something.
   *
   * @throws HttpProblem 429 if the model has too much to do, 503 if it is being taken down
   */
  public static <T> T begin(LiveModel live, Supplier<T> call) {
    try {
      return call.get();
    } catch (OverloadException e) {
      throw HttpProblem.busy();
    } catch (IllegalStateException e) {
      throw HttpProblem.unavailable(live.model() + " is being taken down; try another server");
    }
  }

  /**
   * Begins a text.
   *
   * @param id by which feedback may name the answer, if the model is watched
   * @throws HttpProblem 429 if the model has too much to do, 503 if it is being taken down
   */
  public static CompletableFuture<TextAnswer> generate(
      TextDeployment model, TextRequest request, Predicate<String> listener, Optional<String> id) {
    return begin(
        model,
        () ->
            id.isPresent() && model instanceof MonitoredText watched
                ? watched.generateAsync(request, listener, id.get())
                : model.generateAsync(request, listener));
  }

  /**
   * An answer in time, or a {@link TimeoutException}; then the answer itself is cancelled as {@link
   * OutOfTime}, or simply cancelled where this one is.
   */
  <T> CompletableFuture<T> within(CompletableFuture<T> answer) {
    CompletableFuture<T> inTime = answer.thenApply(done -> done);
    if (!inTime.isDone()) {
      deadlines.watch(inTime);
    }
    var unused =
        inTime.whenComplete(
            (done, failure) -> {
              if (failure != null) {
                OutOfTime.passOn(failure, answer);
              }
            });
    return inTime;
  }

  /**
   * Does something with an answer, on another thread than the model's. A failure is carried on, on
   * such a thread too; where there is no answer in time, a {@link TimeoutException}, and the answer
   * is cancelled.
   */
  public <T> CompletableFuture<Void> answered(CompletableFuture<T> answer, Consumer<T> writer) {
    return within(answer).whenCompleteAsync((done, failure) -> {}, writers).thenAccept(writer);
  }
}
