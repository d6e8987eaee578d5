package io.athanor.server.http;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Names of requests, the same in the answer and the log. */
public final class RequestId {
  public static final String HEADER = "X-Request-Id";

  private static final Pattern VALID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private RequestId() {}

  /**
   * The name of a request: what its caller calls it, or a new one.
   *
   * @param given by the caller; a name of other characters, or longer than 64, is not used
   */
  public static String of(@Nullable String given) {
    return given != null && VALID.matcher(given).matches() ? given : RandomId.quick();
  }
}
