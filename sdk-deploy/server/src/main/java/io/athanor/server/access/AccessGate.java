package io.athanor.server.access;

import io.athanor.server.http.HttpProblem;
import io.javalin.http.Context;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Lets requests pass whose callers are known, and not too often. Thread-safe. */
public final class AccessGate {
  private static final String BEARER = "Bearer ";

  private final Optional<ServerAccess> access;
  private final Optional<RateLimiter> limiter;
  private final Roles roles;

  /**
   * @param access absent to let everybody pass
   * @param roles asked about callers who are known
   */
  public AccessGate(Optional<ServerAccess> access, Roles roles) {
    this.access = access;
    this.limiter = access.flatMap(ServerAccess::limiter);
    this.roles = roles;
  }

  /**
   * Finds out who makes a request.
   *
   * @throws HttpProblem 401 if nobody knows, 429 if they call too often
   */
  public void admit(Context ctx) {
    ctx.attribute(Caller.ATTRIBUTE, admit(ctx::header));
  }

  /**
   * Finds out who makes a request.
   *
   * @param header the value of a header by its name, null where it is not set
   * @throws HttpProblem 401 if nobody knows, 429 if they call too often
   */
  public Caller admit(Function<String, @Nullable String> header) {
    return access.isEmpty() ? Caller.anybody() : known(header);
  }

  private Caller known(Function<String, @Nullable String> header) {
    Identity identity =
        credential(header)
            .flatMap(shown -> access.flatMap(rules -> rules.find(shown)))
            .orElseThrow(
                () ->
                    new HttpProblem(
                            401,
                            "Show a valid key or token: Authorization: Bearer .., or X-Api-Key: ..")
                        .with("code", "invalid_api_key")
                        .header("WWW-Authenticate", "Bearer realm=\"athanor\""));
    limiter.ifPresent(
        one -> {
          long seconds = one.secondsToWait(identity.principal());
          if (seconds > 0) {
            throw new HttpProblem(
                    429,
                    "Too many requests of " + identity.principal() + "; wait " + seconds + " s")
                .with("code", "rate_limit_exceeded")
                .header("Retry-After", Long.toString(seconds));
          }
        });
    return new Caller(Optional.of(identity.principal()), identity.permissions(), roles);
  }

  private static Optional<String> credential(Function<String, @Nullable String> header) {
    String shown = header.apply("Authorization");
    if (shown != null && shown.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return Optional.of(shown.substring(BEARER.length()).strip());
    }
    return Optional.ofNullable(header.apply("X-Api-Key"));
  }
}
