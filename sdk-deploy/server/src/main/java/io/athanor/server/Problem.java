package io.athanor.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.eclipse.jetty.http.HttpStatus;
import org.jspecify.annotations.Nullable;

/** An answer that is an error, in the form of RFC 9457; thrown by handlers to end a request. */
final class Problem extends RuntimeException {
  static final String CONTENT_TYPE = "application/problem+json";

  private static final long serialVersionUID = 1L;
  private static final int LONGEST_DETAIL = 1_000;

  private final int status;
  private final transient ObjectNode fields = Json.object();
  private final transient Map<String, String> headers = new LinkedHashMap<>();

  /**
   * @param detail what is wrong and how to fix it; cut if very long, since it may quote the caller
   */
  Problem(int status, String detail) {
    super(detail, null, false, false);
    this.status = status;
    fields.put("type", "about:blank");
    fields.put("title", title(status));
    fields.put("status", status);
    fields.put("detail", brief(detail));
  }

  private static String title(int status) {
    return status == 422 ? "Unprocessable Content" : HttpStatus.getMessage(status);
  }

  static String brief(String detail) {
    return detail.length() <= LONGEST_DETAIL ? detail : detail.substring(0, LONGEST_DETAIL) + "..";
  }

  /** A further field; left out where the value is null. */
  Problem with(String name, @Nullable Object value) {
    if (value != null) {
      fields.putPOJO(name, value);
    }
    return this;
  }

  Problem header(String name, String value) {
    headers.put(name, value);
    return this;
  }

  int status() {
    return status;
  }

  Map<String, String> headers() {
    return headers;
  }

  byte[] body() {
    return Json.write(fields);
  }
}
