package io.athanor.server.access;

import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Who may call a server. Nobody may who shows neither a key nor a token that is good. Immutable;
 * each method gives changed rules.
 *
 * <pre>{@code
 * ServerAccess.keys(ApiKeys.in(file)).limit(RateLimit.perSecond(100))
 * }</pre>
 */
public final class ServerAccess {
  private final Optional<ApiKeys> keys;
  private final Optional<TokenRules> tokens;
  private final Optional<RateLimit> limit;
  private final LongSupplier nanoClock;

  private ServerAccess(
      Optional<ApiKeys> keys,
      Optional<TokenRules> tokens,
      Optional<RateLimit> limit,
      LongSupplier nanoClock) {
    this.keys = keys;
    this.tokens = tokens;
    this.limit = limit;
    this.nanoClock = nanoClock;
  }

  /** For those who show one of these keys. */
  public static ServerAccess keys(ApiKeys keys) {
    return new ServerAccess(
        Optional.of(keys), Optional.empty(), Optional.empty(), System::nanoTime);
  }

  /** For those who show a token that meets these rules. */
  public static ServerAccess tokens(TokenRules rules) {
    return new ServerAccess(
        Optional.empty(), Optional.of(rules), Optional.empty(), System::nanoTime);
  }

  /** Also for those who show a token that meets these rules. */
  public ServerAccess orTokens(TokenRules rules) {
    return new ServerAccess(keys, Optional.of(rules), limit, nanoClock);
  }

  /** How often each of them may call; as often as they like unless set. */
  public ServerAccess limit(RateLimit most) {
    return new ServerAccess(keys, tokens, Optional.of(most), nanoClock);
  }

  /** Measures the time for limits; {@link System#nanoTime} unless set. */
  public ServerAccess nanoClock(LongSupplier clock) {
    return new ServerAccess(keys, tokens, limit, clock);
  }

  /** Whose a key or token is; empty if it is not good. */
  Optional<Identity> find(String credential) {
    if (credential.startsWith(ApiKeys.MARK)) {
      return keys.flatMap(all -> all.find(credential))
          .map(entry -> new Identity(entry.principal(), entry.permissions()));
    }
    return tokens.flatMap(rules -> rules.find(credential));
  }

  Optional<RateLimiter> limiter() {
    return limit.map(most -> new RateLimiter(most, nanoClock));
  }
}
