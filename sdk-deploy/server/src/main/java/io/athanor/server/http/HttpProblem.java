package io.athanor.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.http.HttpStatus;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An answer that is an error, in the form of RFC 9457; thrown by handlers to end a request. */
public final class HttpProblem extends RuntimeException {
  /** Of {@link #body}. */
  public static final String CONTENT_TYPE = "application/problem+json";

  private static final Logger LOG = LoggerFactory.getLogger(HttpProblem.class);
  private static final long serialVersionUID = 1L;
  private static final int LONGEST_DETAIL = 1_000;

  private final int status;
  private final transient ObjectNode fields = StrictJson.object();
  private final transient Map<String, String> headers = new LinkedHashMap<>();

  /**
   * @param detail what is wrong and how to fix it; cut if very long, since it may quote the caller
   */
  public HttpProblem(int status, String detail) {
    super(detail, null, false, false);
    this.status = status;
    fields.put("type", "about:blank");
    fields.put("title", title(status));
    fields.put("status", status);
    fields.put("detail", brief(detail));
  }

  /** A parameter behind the question mark of an address that is wrong. */
  public static HttpProblem parameter(String name, String why) {
    return new HttpProblem(400, "Parameter '" + name + "': " + why).with("param", name);
  }

  /** Too much to do, for now. */
  public static HttpProblem busy() {
    return new HttpProblem(429, "Too much is waiting for this model; try again in a moment")
        .header("Retry-After", "1");
  }

  /** No answer in time, or none because a model is being taken down. */
  public static HttpProblem unavailable(String detail) {
    return new HttpProblem(503, detail).header("Retry-After", "1");
  }

  /**
   * What an exception of ours means to whoever called; empty if it is a failure of the server,
   * whose details are none of the caller's business.
   */
  public static Optional<HttpProblem> of(AthanorException e) {
    if (e instanceof NotFoundException missing) {
      return Optional.of(
          new HttpProblem(404, e.getMessage()).with("available", missing.available()));
    }
    if (e instanceof AccessDeniedException) {
      return Optional.of(new HttpProblem(403, e.getMessage()));
    }
    if (e instanceof ConflictException) {
      return Optional.of(new HttpProblem(409, e.getMessage()));
    }
    if (e instanceof ValidationException invalid) {
      return Optional.of(
          new HttpProblem(422, e.getMessage())
              .with("problems", invalid.problems().stream().limit(100).toList()));
    }
    if (e instanceof UnsupportedException) {
      return Optional.of(new HttpProblem(422, e.getMessage()));
    }
    if (e instanceof FormatException format && format.column() != null) {
      return Optional.of(new HttpProblem(422, e.getMessage()).with("column", format.column()));
    }
    if (e instanceof BackendException && e.retryable()) {
      return Optional.of(unavailable("The model gave no answer in time; try again later"));
    }
    return Optional.empty();
  }

  /**
   * What a failure means to whoever called. One of the server itself is told them by the request's
   * id alone; the log gets the rest.
   */
  public static HttpProblem of(@Nullable Throwable failure, String requestId) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof HttpProblem problem) {
      return problem;
    }
    if (cause instanceof TimeoutException) {
      return unavailable("There was no answer in time; try again later");
    }
    if (cause instanceof AthanorException ours) {
      Optional<HttpProblem> known = of(ours);
      if (known.isPresent()) {
        return known.get();
      }
    }
    LOG.error("Request {} failed", requestId, failure);
    return new HttpProblem(500, "The server failed; its log says why, at request " + requestId);
  }

  private static String title(int status) {
    return status == 422 ? "Unprocessable Content" : HttpStatus.getMessage(status);
  }

  /** A text that may quote the caller, cut if very long. */
  public static String brief(String detail) {
    return detail.length() <= LONGEST_DETAIL ? detail : detail.substring(0, LONGEST_DETAIL) + "..";
  }

  /** A further field; left out where the value is null. */
  public HttpProblem with(String name, @Nullable Object value) {
    if (value instanceof JsonNode node) {
      fields.set(name, node);
    } else if (value != null) {
      fields.putPOJO(name, value);
    }
    return this;
  }

  /** A header of the answer. */
  public HttpProblem header(String name, String value) {
    headers.put(name, value);
    return this;
  }

  public int status() {
    return status;
  }

  /** What is wrong and how to fix it. */
  public String detail() {
    return fields.path("detail").asText();
  }

  /** A further field's text, if it was set. */
  public Optional<String> text(String name) {
    return Optional.ofNullable(fields.get(name)).map(JsonNode::asText);
  }

  public Map<String, String> headers() {
    return headers;
  }

  /** As JSON. */
  public byte[] body() {
    return StrictJson.write(fields);
  }
}
