package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** One request, with its repetitions. Not thread-safe. */
final class RemoteCall {
  private static final int LONGEST_ANSWER = 16 << 20;
  private static final Set<Integer> TEMPORARY = Set.of(408, 429, 500, 502, 503, 504);

  /** Answers which say that nothing was done. */
  private static final Set<Integer> UNTOUCHED = Set.of(408, 429, 503);

  /** What a request changes. */
  enum Effect {
    /** Nothing that anybody would notice. */
    NONE,
    /** The same, however often it arrives. */
    SAME,
    /** Something each time it arrives. */
    ONCE
  }

  private final RemoteServer server;
  private final HttpRequest.Builder request;
  private final URI uri;
  private final String method;
  private final Set<Integer> accepted = new HashSet<>();
  private Function<AtomicLong, BodyPublisher> body = progress -> BodyPublishers.noBody();
  private Effect effect = Effect.NONE;
  private @Nullable Predicate<String> lines;
  private @Nullable Duration longest;
  private Duration silence;

  RemoteCall(RemoteServer server, String method, URI uri) {
    this.server = server;
    this.method = method;
    this.uri = uri;
    this.request = HttpRequest.newBuilder(uri);
    this.silence = server.retries().silence();
    if (server.owns(uri)) {
      server.token().ifPresent(token -> header("Authorization", "Bearer " + token.reveal()));
    }
  }

  RemoteCall header(String name, String value) {
    request.setHeader(name, value);
    return this;
  }

  RemoteCall json(JsonNode content) {
    return body("application/json", content.toString());
  }

  RemoteCall body(String type, String content) {
    header("Content-Type", type);
    body = progress -> BodyPublishers.ofString(content);
    return this;
  }

  /** Sends a part of a file. */
  RemoteCall file(Path file, long offset, long length) {
    body = progress -> FileSlice.publisher(file, offset, length, progress);
    return this;
  }

  RemoteCall effect(Effect what) {
    effect = what;
    return this;
  }

  /** A status that is an answer, too, besides 2xx. */
  RemoteCall accept(int status) {
    accepted.add(status);
    return this;
  }

  /**
   * Hands the lines of a good answer over as they come, instead of keeping them. Then the request
   * is not repeated once there was a line.
   */
  RemoteCall lines(Predicate<String> listener) {
    lines = listener;
    return this;
  }

  /** How long the server may be silent, if that is more than {@link RetryPolicy#silence}. */
  RemoteCall silentFor(Duration time) {
    silence = time.compareTo(silence) > 0 ? time : silence;
    return this;
  }

  /** How long it may take in all, repetitions and their pauses included; no limit unless set. */
  RemoteCall within(Duration time) {
    longest = time;
    return this;
  }

  /**
   * Sends it, and again as long as that may help and does no harm.
   *
   * @throws OutcomeUnknownException if it changes something, and nobody can know whether it did
   * @throws StorageException if the server cannot be reached or stays overloaded
   * @throws AthanorException what the server's refusal means
   */
  Reply send() {
    Deadline deadline = new Deadline(longest);
    boolean doubt = false;
    for (int made = 1; ; made++) {
      AthanorException failure;
      Optional<Duration> wanted = Optional.empty();
      AtomicLong heard = new AtomicLong();
      try {
        Reply reply = once(heard, deadline);
        if (reply.good() || accepted.contains(reply.status())) {
          return reply;
        }
        failure = refusal(reply);
        if (!TEMPORARY.contains(reply.status())) {
          throw failure;
        }
        doubt |= !UNTOUCHED.contains(reply.status());
        wanted = reply.retryAfter();
      } catch (IOException e) {
        failure = unreachable(e);
        doubt |= !(e instanceof ConnectException || e instanceof HttpConnectTimeoutException);
      }
      boolean last = heard.get() > 0 || deadline.isOver() || (effect == Effect.ONCE && doubt);
      if (last || !again(made, wanted, deadline, failure)) {
        throw doubt && effect != Effect.NONE ? unknown(failure) : failure;
      }
    }
  }

  private boolean again(
      int made, Optional<Duration> wanted, Deadline deadline, AthanorException failure) {
    try {
      Duration left = Duration.ofNanos(deadline.left());
      return !Thread.currentThread().isInterrupted()
          && server.retries().awaitNext(made, wanted, left);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      failure.addSuppressed(e);
      return false;
    }
  }

  private OutcomeUnknownException unknown(AthanorException failure) {
    return new OutcomeUnknownException(
        "Nobody can know whether " + what() + " took effect; look before repeating it", failure);
  }

  private String what() {
    return method + " " + uri.getRawPath() + " on " + server;
  }

  private StorageException unreachable(IOException cause) {
    return new StorageException(
        RemoteServer.withoutSecrets(uri),
        server.product() + " cannot be reached, or cut the connection (" + cause + "). Try again",
        cause);
  }

  /** What to throw for a refusal. */
  AthanorException refusal(Reply reply) {
    String said = server.product() + " answered " + reply.status() + ", '" + reply.message() + "'";
    return switch (reply.status()) {
      case 401, 403 ->
          new AccessDeniedException(
              "this client",
              what(),
              said + "; give a token that may" + (server.token().isEmpty() ? ", none was" : ""));
      case 404 -> new NotFoundException(what(), List.of(), said);
      case 409, 412 -> new ConflictException(what() + ": " + said, true);
      default -> other(reply.status(), said);
    };
  }

  private AthanorException other(int status, String said) {
    String place = RemoteServer.withoutSecrets(uri);
    if (TEMPORARY.contains(status) || status / 100 == 5) {
      return new StorageException(place, said);
    }
    return status / 100 == 4
        ? new ValidationException(what(), List.of(said))
        : new FormatException(place, "expected an answer of " + server.product() + ", got " + said);
  }

  /** One attempt; waits as long as bytes go out or come in. */
  private Reply once(AtomicLong heard, Deadline deadline) throws IOException {
    AtomicLong progress = new AtomicLong();
    HttpRequest attempt = request.method(method, body.apply(progress)).build();
    CompletableFuture<HttpResponse<byte[]>> sent =
        server
            .client()
            .sendAsync(
                attempt,
                head ->
                    new ReplyBody(
                        LONGEST_ANSWER,
                        progress,
                        head.statusCode() / 100 == 2 ? told(heard) : null));
    try {
      HttpResponse<byte[]> response = await(sent, progress, deadline);
      boolean good = response.statusCode() / 100 == 2;
      String text = new String(response.body(), StandardCharsets.UTF_8);
      return new Reply(
          RemoteServer.withoutSecrets(uri),
          response.statusCode(),
          response.headers(),
          good ? text : server.withoutToken(text));
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof ReplyBody.TooLongException) {
        throw new FormatException(
            RemoteServer.withoutSecrets(uri), "the answer has " + cause.getMessage(), cause);
      }
      if (cause instanceof AthanorException ours) {
        throw ours;
      }
      if (cause instanceof ListenerException listeners) {
        throw listeners;
      }
      throw cause instanceof IOException failure ? failure : new IOException(cause);
    } finally {
      sent.cancel(true);
    }
  }

  /** When a call must have its answer. */
  private static final class Deadline {
    private final long begin = System.nanoTime();
    private final @Nullable Duration longest;

    Deadline(@Nullable Duration longest) {
      this.longest = longest;
    }

    long left() {
      return longest == null ? Long.MAX_VALUE : longest.toNanos() - (System.nanoTime() - begin);
    }

    boolean isOver() {
      return left() <= 0;
    }
  }

  private @Nullable Predicate<String> told(AtomicLong heard) {
    Predicate<String> listener = lines;
    return listener == null
        ? null
        : line -> {
          heard.incrementAndGet();
          return listener.test(line);
        };
  }

  private HttpResponse<byte[]> await(
      CompletableFuture<HttpResponse<byte[]>> sent, AtomicLong progress, Deadline deadline)
      throws IOException, ExecutionException {
    long seen = -1;
    while (true) {
      try {
        return sent.get(Math.min(silence.toNanos(), deadline.left()), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        if (deadline.isOver()) {
          throw new IOException("no whole answer within " + longest, e);
        }
        if (progress.get() == seen || (seen < 0 && progress.get() == 0)) {
          throw new IOException("silent for " + silence, e);
        }
        seen = progress.get();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting", e);
      }
    }
  }
}
