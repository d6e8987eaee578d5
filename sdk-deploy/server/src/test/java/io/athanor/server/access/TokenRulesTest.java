package io.athanor.server.access;

import static io.athanor.server.access.SignedTokens.signed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.PlainJWT;
import io.athanor.api.common.Secret;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.tck.fixture.TestClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenRulesTest {
  @TempDir Path folder;

  private final TestClock clock = TestClock.at(Instant.parse("2026-03-01T12:00:00Z"));
  private final SignedTokens tokens = new SignedTokens(clock);

  @Test
  void believesSharedSecretsAndReadsTheScope() throws Exception {
    assertThat(tokens.hmac().find(tokens.hs256(tokens.claims().build())))
        .contains(new Identity(new Principal("anna"), java.util.Set.of(Permission.READ)));
    assertThat(
            tokens
                .hmac()
                .find(tokens.hs256(tokens.claims().claim("scope", "openid read delete").build())))
        .hasValueSatisfying(
            identity ->
                assertThat(identity.permissions())
                    .containsExactlyInAnyOrder(Permission.READ, Permission.DELETE));
    assertThat(tokens.hmac().find(tokens.hs256(tokens.claims().claim("scope", "").build())))
        .hasValueSatisfying(identity -> assertThat(identity.permissions()).isEmpty());
  }

  @Test
  void believesTheKeysOfAKeySetOnly() throws Exception {
    RSAKey rsa = new RSAKeyGenerator(2_048).keyID("r").generate();
    ECKey ec = new ECKeyGenerator(Curve.P_256).keyID("e").generate();
    Path file = folder.resolve("keys.json");
    Files.writeString(file, new JWKSet(List.of(rsa.toPublicJWK(), ec.toPublicJWK())).toString());
    TokenRules rules = tokens.rules().keySet(file).build();
    assertThat(
            rules.find(signed(JWSAlgorithm.RS256, new RSASSASigner(rsa), tokens.claims().build())))
        .isPresent();
    assertThat(rules.find(signed(JWSAlgorithm.ES256, new ECDSASigner(ec), tokens.claims().build())))
        .isPresent();
    ECKey stranger = new ECKeyGenerator(Curve.P_256).generate();
    assertThat(
            rules.find(
                signed(JWSAlgorithm.ES256, new ECDSASigner(stranger), tokens.claims().build())))
        .isEmpty();
    assertThat(rules.find(tokens.hs256(tokens.claims().build()))).isEmpty();
    // The old trick: the public key, which everybody has, as if it were a shared secret.
    byte[] published = rsa.toRSAPublicKey().getEncoded();
    assertThat(
            rules.find(
                signed(JWSAlgorithm.HS256, new MACSigner(published), tokens.claims().build())))
        .isEmpty();
    assertThat(
            rules.find(signed(JWSAlgorithm.RS512, new RSASSASigner(rsa), tokens.claims().build())))
        .isEmpty();
  }

  @Test
  void whatNobodySignedOrSomebodyChangedIsNotBelieved() throws Exception {
    assertThat(tokens.hmac().find(new PlainJWT(tokens.claims().build()).serialize())).isEmpty();
    String good = tokens.hs256(tokens.claims().build());
    String[] parts = good.split("\\.");
    String other = tokens.hs256(tokens.claims().subject("root").build()).split("\\.")[1];
    assertThat(tokens.hmac().find(parts[0] + "." + other + "." + parts[2])).isEmpty();
    assertThat(tokens.hmac().find(parts[0] + "." + parts[1] + ".")).isEmpty();
    for (String nonsense : List.of("", ".", "..", "a.b.c", "x".repeat(10_000), "\u0000")) {
      assertThat(tokens.hmac().find(nonsense)).isEmpty();
    }
  }

  @Test
  void claimsMustFit() throws Exception {
    assertThat(tokens.hmac().find(tokens.hs256(tokens.claims().issuer("https://other").build())))
        .isEmpty();
    assertThat(tokens.hmac().find(tokens.hs256(tokens.claims().issuer(null).build()))).isEmpty();
    assertThat(tokens.hmac().find(tokens.hs256(tokens.claims().audience("other").build())))
        .isEmpty();
    assertThat(tokens.hmac().find(tokens.hs256(tokens.claims().audience((String) null).build())))
        .isEmpty();
    assertThat(tokens.hmac().find(tokens.hs256(tokens.claims().subject(null).build()))).isEmpty();
    assertThat(tokens.hmac().find(tokens.hs256(tokens.claims().subject(" ").build()))).isEmpty();
    assertThat(tokens.hmac().find(tokens.hs256(tokens.claims().expirationTime(null).build())))
        .isEmpty();
    assertThat(
            tokens
                .hmac()
                .find(
                    tokens.hs256(
                        tokens
                            .claims()
                            .notBeforeTime(Date.from(clock.instant().plusSeconds(300)))
                            .build())))
        .isEmpty();
  }

  @Test
  void expiresByTheClockWithAMinuteOfGrace() throws Exception {
    TokenRules rules = tokens.hmac();
    String token = tokens.hs256(tokens.claims().build());
    clock.advance(Duration.ofSeconds(650));
    assertThat(rules.find(token)).isPresent();
    clock.advance(Duration.ofSeconds(20));
    assertThat(rules.find(token)).isEmpty();
  }

  @Test
  void rulesWithoutAudienceOrKeyAreRefused() {
    assertThatThrownBy(() -> TokenRules.issuedBy("x").build())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("there is no audience")
        .hasMessageContaining("there is no key");
    assertThatThrownBy(() -> tokens.rules().secret(Secret.of("short")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("key must have at least 32 bytes, got 5");
  }

  @Test
  void filesThatAreNoKeySetsAreOurExceptions() throws Exception {
    assertThatThrownBy(() -> tokens.rules().keySet(folder.resolve("none.json")))
        .isInstanceOf(StorageException.class);
    Path file = folder.resolve("bad.json");
    for (String text : List.of("", "{", "{}", "{\"keys\":[]}")) {
      Files.writeString(file, text);
      assertThatThrownBy(() -> tokens.rules().keySet(file))
          .as(text)
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("bad.json");
    }
  }
}
