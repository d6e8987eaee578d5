package io.athanor.deploy.target;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Takes an answer's body, up to a limit, whole or line by line. */
final class ReplyBody implements HttpResponse.BodySubscriber<byte[]> {
  private final long limit;
  private final AtomicLong progress;
  private final @Nullable Predicate<String> lines;
  private final ByteArrayOutputStream held = new ByteArrayOutputStream();
  private final CompletableFuture<byte[]> whole = new CompletableFuture<>();
  private Flow.@Nullable Subscription subscription;
  private long received;

  /**
   * @param limit most bytes held at once
   * @param progress rises with each byte
   * @param lines hears each line and says whether to go on; else the body is kept
   */
  ReplyBody(long limit, AtomicLong progress, @Nullable Predicate<String> lines) {
    this.limit = limit;
    this.progress = progress;
    this.lines = lines;
  }

  /** The answer is longer than agreed. */
  static final class TooLongException extends IOException {
    private static final long serialVersionUID = 1L;

    TooLongException(long limit) {
      super("more than " + limit + " bytes");
    }
  }

  @Override
  public CompletionStage<byte[]> getBody() {
    return whole;
  }

  @Override
  public void onSubscribe(Flow.Subscription source) {
    subscription = source;
    source.request(1);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    Flow.Subscription source = Objects.requireNonNull(subscription);
    try {
      for (ByteBuffer buffer : buffers) {
        while (buffer.hasRemaining()) {
          byte next = buffer.get();
          progress.incrementAndGet();
          if (lines != null && next == '\n') {
            if (!line(lines)) {
              source.cancel();
              whole.complete(new byte[0]);
              return;
            }
          } else if (++received > limit) {
            throw new TooLongException(limit);
          } else {
            held.write(next);
          }
        }
      }
      source.request(1);
    } catch (IOException | RuntimeException e) {
      source.cancel();
      whole.completeExceptionally(e);
    }
  }

  private boolean line(Predicate<String> listener) {
    String line = held.toString(StandardCharsets.UTF_8);
    held.reset();
    received = 0;
    return line.isBlank() || listener.test(line);
  }

  @Override
  public void onError(Throwable failure) {
    whole.completeExceptionally(failure);
  }

  @Override
  public void onComplete() {
    try {
      if (lines != null && held.size() > 0) {
        line(lines);
      }
      whole.complete(held.toByteArray());
    } catch (RuntimeException e) {
      whole.completeExceptionally(e);
    }
  }
}
