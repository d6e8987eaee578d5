package io.athanor.server.serving;

import io.athanor.api.error.AthanorException;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.server.http.EventStream;
import io.athanor.server.http.HttpProblem;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends texts while models say them. The model never waits for a reader: one who is more than 1,024
 * pieces behind, or gone, ends the generation. Thread-safe.
 */
public final class TextStreaming {
  private static final Logger LOG = LoggerFactory.getLogger(TextStreaming.class);
  private static final int MOST_BEHIND = 1_024;
  private static final long KEEP_ALIVE_SECONDS = 5;

  private final ServerMetrics metrics;

  public TextStreaming(ServerMetrics metrics) {
    this.metrics = metrics;
  }

  /**
   * Answers a request with events, on the calling thread.
   *
   * @param id by which feedback may name the answer, if the model is watched
   * @throws HttpProblem if the model refuses; nothing has been sent then
   */
  public void stream(
      Context ctx,
      TextDeployment model,
      TextRequest request,
      Optional<String> id,
      StreamForm form) {
    BlockingQueue<String> pieces = new ArrayBlockingQueue<>(MOST_BEHIND);
    CompletableFuture<TextAnswer> answer = Asking.generate(model, request, pieces::offer, id);
    try {
      EventStream out = EventStream.begin(ctx);
      if (!form.begin(out) || !forward(pieces, answer, out, form)) {
        return; // the reader is gone
      }
      finish(answer, out, form);
    } catch (IOException e) {
      LOG.debug("The reader of a text of {} is gone", model.model(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      answer.cancel(false);
    }
  }

  private static boolean forward(
      BlockingQueue<String> pieces, Future<TextAnswer> answer, EventStream out, StreamForm form)
      throws InterruptedException {
    long lastSent = System.nanoTime();
    while (true) {
      boolean done = answer.isDone(); // asked first: pieces come before the end
      String piece = done ? pieces.poll() : pieces.poll(20, TimeUnit.MILLISECONDS);
      if (piece != null) {
        if (!form.piece(out, piece)) {
          return false;
        }
        lastSent = System.nanoTime();
      } else if (done) {
        return true;
      } else if (System.nanoTime() - lastSent > TimeUnit.SECONDS.toNanos(KEEP_ALIVE_SECONDS)) {
        if (!out.keepAlive()) {
          return false;
        }
        lastSent = System.nanoTime();
      }
    }
  }

  private void finish(CompletableFuture<TextAnswer> answer, EventStream out, StreamForm form)
      throws InterruptedException {
    try {
      TextAnswer done = answer.get();
      metrics.generated(done);
      form.end(out, done);
    } catch (ExecutionException e) {
      Optional<HttpProblem> known =
          e.getCause() instanceof AthanorException ours ? HttpProblem.of(ours) : Optional.empty();
      if (known.isEmpty()) {
        LOG.error("A text ended in a failure", e.getCause());
      }
      form.failure(
          out, known.orElseGet(() -> new HttpProblem(500, "The model failed; try again later")));
    }
  }
}
