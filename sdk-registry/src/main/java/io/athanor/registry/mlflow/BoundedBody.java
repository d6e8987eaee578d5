package io.athanor.registry.mlflow;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** Writes an answer's body to a stream, up to a limit; gives its length. */
final class BoundedBody implements HttpResponse.BodySubscriber<Long> {
  private final OutputStream target;
  private final long limit;
  private final CompletableFuture<Long> length = new CompletableFuture<>();
  private Flow.@Nullable Subscription subscription;
  private volatile long received;

  BoundedBody(OutputStream target, long limit) {
    this.target = target;
    this.limit = limit;
  }

  /** The answer is longer than agreed. */
  static final class TooLongException extends IOException {
    private static final long serialVersionUID = 1L;

    TooLongException(long limit) {
      super("more than " + limit + " bytes");
    }
  }

  /** Bytes that have arrived so far. */
  long received() {
    return received;
  }

  @Override
  public CompletionStage<Long> getBody() {
    return length;
  }

  @Override
  public void onSubscribe(Flow.Subscription source) {
    subscription = source;
    source.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    try {
      long total = received;
      for (ByteBuffer buffer : buffers) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        total += bytes.length;
        if (total > limit) {
          throw new TooLongException(limit);
        }
        write(bytes);
      }
      received = total;
    } catch (TooLongException | UncheckedIOException e) {
      Objects.requireNonNull(subscription).cancel();
      length.completeExceptionally(e);
    }
  }

  /** Told apart from failures of the connection. */
  private void write(byte[] bytes) {
    try {
      target.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void onError(Throwable failure) {
    length.completeExceptionally(failure);
  }

  @Override
  public void onComplete() {
    length.complete(received);
  }
}
