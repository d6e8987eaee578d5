package io.athanor.server.access;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.OctetSequenceKey;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import io.athanor.api.common.Secret;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Date;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which JSON web tokens (RFC 7519) a server believes: signed with HS256, RS256 or ES256 by a key
 * given here, from this issuer, for this audience, with a subject, and not expired (nor too early)
 * by more than a minute. Tokens that nobody signed are never believed. What the claim {@code scope}
 * names in lower case ({@code "read update"}) may be done; without it, {@code read}. Immutable and
 * thread-safe.
 */
public final class TokenRules {
  private static final Set<JWSAlgorithm> ALGORITHMS =
      Set.of(JWSAlgorithm.HS256, JWSAlgorithm.RS256, JWSAlgorithm.ES256);
  private static final int HMAC_BYTES = 32;
  private static final int LONGEST = 8_192;

  private final DefaultJWTProcessor<SecurityContext> processor;

  private TokenRules(DefaultJWTProcessor<SecurityContext> processor) {
    this.processor = processor;
  }

  /**
   * Begins rules.
   *
   * @param issuer the claim {@code iss} must be this
   */
  public static Builder issuedBy(String issuer) {
    if (issuer.isBlank()) {
      throw new IllegalArgumentException("issuer must not be blank");
    }
    return new Builder(issuer);
  }

  /** Collects rules. Not thread-safe. */
  public static final class Builder {
    private final String issuer;
    private String audience = "";
    private Clock clock = Clock.systemUTC();
    private final List<JWK> keys = new ArrayList<>();

    private Builder(String issuer) {
      this.issuer = issuer;
    }

    /** The claim {@code aud} must contain this; required. */
    public Builder audience(String name) {
      if (name.isBlank()) {
        throw new IllegalArgumentException("name must not be blank");
      }
      this.audience = name;
      return this;
    }

    /** Believes HS256 with a key of at least 32 bytes in UTF-8. */
    public Builder secret(Secret key) {
      byte[] bytes = key.reveal().getBytes(StandardCharsets.UTF_8);
      if (bytes.length < HMAC_BYTES) {
        throw new IllegalArgumentException(
            "key must have at least " + HMAC_BYTES + " bytes, got " + bytes.length);
      }
      keys.add(new OctetSequenceKey.Builder(bytes).algorithm(JWSAlgorithm.HS256).build());
      return this;
    }

    /**
     * Believes the keys of a JSON web key set (RFC 7517).
     *
     * @throws StorageException if the file cannot be read
     * @throws FormatException if it is no such set, or has no key
     */
    public Builder keySet(Path file) {
      try {
        List<JWK> read = JWKSet.parse(Files.readString(file)).getKeys();
        if (read.isEmpty()) {
          throw new FormatException(file.toString(), "there is no key in it");
        }
        keys.addAll(read);
        return this;
      } catch (IOException e) {
        throw new StorageException(
            file.toString(), "cannot be read (" + e + "); check path and permissions", e);
      } catch (ParseException e) {
        throw new FormatException(
            file.toString(), "expected a JSON web key set (" + e.getMessage() + ")", e);
      }
    }

    /** Tells the time; the system's unless set. */
    public Builder clock(Clock time) {
      this.clock = time;
      return this;
    }

    /**
     * The rules.
     *
     * @throws ValidationException if there is no audience or no key
     */
    public TokenRules build() {
      List<String> problems = new ArrayList<>();
      if (audience.isEmpty()) {
        problems.add("there is no audience; call audience(..), or tokens for others would do");
      }
      if (keys.isEmpty()) {
        problems.add("there is no key; call secret(..) or keySet(..)");
      }
      if (!problems.isEmpty()) {
        throw new ValidationException("token rules", problems);
      }
      Clock time = clock;
      DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
      processor.setJWSKeySelector(
          new JWSVerificationKeySelector<>(ALGORITHMS, new ImmutableJWKSet<>(new JWKSet(keys))));
      processor.setJWTClaimsSetVerifier(
          new DefaultJWTClaimsVerifier<SecurityContext>(
              audience, new JWTClaimsSet.Builder().issuer(issuer).build(), Set.of("sub", "exp")) {
            @Override
            protected Date currentTime() {
              return Date.from(time.instant());
            }
          });
      return new TokenRules(processor);
    }
  }

  /** Whose a token is and what may be done with it; empty if it is not believed. */
  Optional<Identity> find(String token) {
    if (token.length() > LONGEST) {
      return Optional.empty();
    }
    try {
      JWTClaimsSet claims = processor.process(token, null);
      return Optional.of(
          new Identity(new Principal(claims.getSubject()), permissions(claims.getClaim("scope"))));
    } catch (ParseException | BadJOSEException | JOSEException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Set<Permission> permissions(Object scope) {
    if (scope == null) {
      return EnumSet.of(Permission.READ);
    }
    Set<Permission> permissions = EnumSet.noneOf(Permission.class);
    for (String name : scope.toString().split(" ", -1)) {
      Permissions.of(name).ifPresent(permissions::add);
    }
    return permissions;
  }
}
