package io.athanor.registry.mlflow;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** Requests to one server. Thread-safe. */
final class Rest {
  private static final int ANSWER_LIMIT = 16 << 20;
  private static final int MESSAGE_LIMIT = 500;
  private static final int ATTEMPTS = 4;

  private final HttpClient client;
  private final URI server;
  private final Optional<String> authorization;
  private final Duration timeout;
  private final Duration pause;

  /**
   * @param timeout how long the server may be silent
   * @param pause before the second attempt; doubles
   */
  Rest(URI server, Optional<String> authorization, Duration timeout, Duration pause) {
    this.server = server;
    this.authorization = authorization;
    this.timeout = timeout;
    this.pause = pause;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(timeout)
            .build();
  }

  /** An answer that tells why the server did not do what it was asked. */
  record Refusal(int status, String code, String message) {
    boolean missing() {
      return code.equals("RESOURCE_DOES_NOT_EXIST");
    }

    boolean exists() {
      return code.equals("RESOURCE_ALREADY_EXISTS");
    }

    boolean temporary() {
      return status == 429 || status == 502 || status == 503 || status == 504;
    }
  }

  /** What a request came to. */
  record Answer(JsonFields fields, Optional<Refusal> refusal) {}

  /** Asks; repeated if the server cannot be reached. */
  Answer get(String path, Map<String, String> query) {
    HttpRequest request = request(path, query).GET().build();
    return repeat(() -> json(request));
  }

  /** Tells something that does no harm when it is told twice. */
  Answer post(String path, JsonNode body) {
    HttpRequest request = posting(path, body);
    return repeat(() -> json(request));
  }

  /**
   * Tells something once.
   *
   * @throws StorageException if nobody can know whether it arrived, too
   */
  Answer postOnce(String path, JsonNode body) {
    return json(posting(path, body));
  }

  private HttpRequest posting(String path, JsonNode body) {
    return request(path, Map.of())
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
        .build();
  }

  /** Uploads a file. */
  void put(String path, Path file) {
    BodyPublisher content;
    try {
      content = HttpRequest.BodyPublishers.ofFile(file);
    } catch (FileNotFoundException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
    HttpRequest request =
        request(path, Map.of())
            .header("Content-Type", "application/octet-stream")
            .PUT(content)
            .build();
    repeat(
        () -> {
          ByteArrayOutputStream body = new ByteArrayOutputStream();
          HttpResponse<Long> response = send(request, body, ANSWER_LIMIT);
          return accepted(request, response, body);
        });
  }

  /**
   * Downloads a file.
   *
   * @param limit most bytes it may have
   * @return its length
   */
  long download(String path, Path target, long limit) {
    HttpRequest request = request(path, Map.of()).GET().build();
    return repeat(
        () -> {
          try (OutputStream out = Files.newOutputStream(target)) {
            HttpResponse<Long> response = send(request, out, limit);
            if (response.statusCode() != 200) {
              throw refused(request, refusal(response.statusCode(), "no content"));
            }
            return response.body();
          } catch (IOException | UncheckedIOException e) {
            throw new StorageException(target.toString(), "cannot be written (" + e + ")", e);
          }
        });
  }

  private Answer json(HttpRequest request) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    HttpResponse<Long> response = send(request, body, ANSWER_LIMIT);
    return accepted(request, response, body);
  }

  private static Answer accepted(
      HttpRequest request, HttpResponse<Long> response, ByteArrayOutputStream body) {
    String source = request.uri().toString();
    String text = body.toString(StandardCharsets.UTF_8);
    int status = response.statusCode();
    if (status == 200) {
      boolean none = request.method().equals("PUT") && text.isBlank();
      return new Answer(JsonFields.parse(source, none ? "{}" : text), Optional.empty());
    }
    Refusal refusal = refusal(status, text);
    if (!refusal.missing() && !refusal.exists() && !refusal.code().startsWith("INVALID_")) {
      throw refused(request, refusal);
    }
    return new Answer(JsonFields.parse(source, "{}"), Optional.of(refusal));
  }

  private static Refusal refusal(int status, String text) {
    try {
      JsonNode node = JsonFields.tree("refusal", text);
      String code = node.path("error_code").asText("");
      return new Refusal(status, code, plain(node.path("message").asText(text)));
    } catch (FormatException e) {
      return new Refusal(status, "", plain(text));
    }
  }

  private static String plain(String message) {
    String line = message.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
    return line.length() <= MESSAGE_LIMIT ? line : line.substring(0, MESSAGE_LIMIT) + "...";
  }

  /** What to throw where a refusal was not expected. */
  AthanorException refused(String what, Refusal refusal) {
    String said = "the MLflow server said: " + refusal.message();
    return refusal.missing()
        ? new NotFoundException(what, List.of(), said)
        : new ValidationException(what, List.of(said));
  }

  private static AthanorException refused(HttpRequest request, Refusal refusal) {
    String what = request.method() + " " + request.uri().getPath();
    String said = "status " + refusal.status() + ", '" + refusal.message() + "'";
    if (refusal.status() == 401 || refusal.status() == 403) {
      return new AccessDeniedException(
          "this client",
          what + " on " + request.uri().getAuthority(),
          "The MLflow server answered " + said + "; give a token or an account that may");
    }
    if (refusal.status() == 404) {
      return new NotFoundException(what, List.of(), "The MLflow server answered " + said);
    }
    if (refusal.status() / 100 == 3 || refusal.status() / 100 == 2) {
      return new FormatException(
          request.uri().toString(), "expected an MLflow server's answer, got " + said);
    }
    return refusal.status() / 100 == 4 && refusal.status() != 429
        ? new ValidationException(what, List.of("the MLflow server answered " + said))
        : new StorageException(request.uri().toString(), "the MLflow server answered " + said);
  }

  private HttpRequest.Builder request(String path, Map<String, String> query) {
    String parameters =
        query.entrySet().stream()
            .map(entry -> encode(entry.getKey()) + "=" + encode(entry.getValue()))
            .collect(Collectors.joining("&"));
    String base = server.toString().replaceAll("/+$", "");
    URI uri = URI.create(base + path + (parameters.isEmpty() ? "" : "?" + parameters));
    HttpRequest.Builder request = HttpRequest.newBuilder(uri);
    authorization.ifPresent(value -> request.header("Authorization", value));
    return request;
  }

  /** Escapes a part of an address. */
  static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private interface Attempt<T> {
    T run();
  }

  private <T> T repeat(Attempt<T> attempt) {
    Duration next = pause;
    for (int left = ATTEMPTS - 1; ; left--) {
      try {
        return attempt.run();
      } catch (StorageException e) {
        if (left == 0
            || Thread.currentThread().isInterrupted()
            || !e.location().startsWith("http")) {
          throw e;
        }
        await(next, e);
        next = next.multipliedBy(2);
      }
    }
  }

  private static void await(Duration time, StorageException failure) {
    try {
      TimeUnit.NANOSECONDS.sleep(time.toNanos());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure;
    }
  }

  /** Waits as long as bytes keep coming. */
  private HttpResponse<Long> send(HttpRequest request, OutputStream target, long limit) {
    String place = request.uri().toString();
    BoundedBody body = new BoundedBody(target, limit);
    CompletableFuture<HttpResponse<Long>> sent = client.sendAsync(request, head -> body);
    try {
      long seen = -1;
      while (true) {
        try {
          return sent.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          if (body.received() == seen || (seen < 0 && body.received() == 0)) {
            throw new StorageException(
                place, "the MLflow server has been silent for " + timeout + ". Try again", e);
          }
          seen = body.received();
        }
      }
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof BoundedBody.TooLongException) {
        throw new FormatException(place, "the answer has " + cause.getMessage(), cause);
      }
      if (cause instanceof UncheckedIOException unwritable) {
        throw unwritable;
      }
      throw new StorageException(place, "the MLflow server cannot be reached (" + cause + ")", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StorageException(place, "interrupted while waiting for the MLflow server", e);
    } finally {
      sent.cancel(true);
    }
  }
}
