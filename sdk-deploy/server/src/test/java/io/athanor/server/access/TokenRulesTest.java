package io.athanor.server.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
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
  private static final String SECRET = "0123456789abcdef0123456789abcdef";

  @TempDir Path folder;

  private final TestClock clock = TestClock.at(Instant.parse("2026-03-01T12:00:00Z"));

  private TokenRules.Builder rules() {
    return TokenRules.issuedBy("https://issuer").audience("athanor").clock(clock);
  }

  private JWTClaimsSet.Builder claims() {
    return new JWTClaimsSet.Builder()
        .issuer("https://issuer")
        .audience("athanor")
        .subject("anna")
        .expirationTime(Date.from(clock.instant().plusSeconds(600)));
  }

  private static String signed(JWSAlgorithm algorithm, JWSSigner signer, JWTClaimsSet claims)
      throws JOSEException {
    SignedJWT token = new SignedJWT(new JWSHeader(algorithm), claims);
    token.sign(signer);
    return token.serialize();
  }

  private String hs256(JWTClaimsSet claims) throws JOSEException {
    return signed(JWSAlgorithm.HS256, new MACSigner(SECRET), claims);
  }

  private TokenRules hmac() {
    return rules().secret(Secret.of(SECRET)).build();
  }

  @Test
  void believesSharedSecretsAndReadsTheScope() throws Exception {
    assertThat(hmac().find(hs256(claims().build())))
        .contains(new Identity(new Principal("anna"), java.util.Set.of(Permission.READ)));
    assertThat(hmac().find(hs256(claims().claim("scope", "openid read delete").build())))
        .hasValueSatisfying(
            identity ->
                assertThat(identity.permissions())
                    .containsExactlyInAnyOrder(Permission.READ, Permission.DELETE));
    assertThat(hmac().find(hs256(claims().claim("scope", "").build())))
        .hasValueSatisfying(identity -> assertThat(identity.permissions()).isEmpty());
  }

  @Test
  void believesTheKeysOfAKeySetOnly() throws Exception {
    RSAKey rsa = new RSAKeyGenerator(2_048).keyID("r").generate();
    ECKey ec = new ECKeyGenerator(Curve.P_256).keyID("e").generate();
    Path file = folder.resolve("keys.json");
    Files.writeString(file, new JWKSet(List.of(rsa.toPublicJWK(), ec.toPublicJWK())).toString());
    TokenRules rules = rules().keySet(file).build();
    assertThat(rules.find(signed(JWSAlgorithm.RS256, new RSASSASigner(rsa), claims().build())))
        .isPresent();
    assertThat(rules.find(signed(JWSAlgorithm.ES256, new ECDSASigner(ec), claims().build())))
        .isPresent();
    ECKey stranger = new ECKeyGenerator(Curve.P_256).generate();
    assertThat(rules.find(signed(JWSAlgorithm.ES256, new ECDSASigner(stranger), claims().build())))
        .isEmpty();
    assertThat(rules.find(hs256(claims().build()))).isEmpty();
    // The old trick: the public key, which everybody has, as if it were a shared secret.
    byte[] published = rsa.toRSAPublicKey().getEncoded();
    assertThat(rules.find(signed(JWSAlgorithm.HS256, new MACSigner(published), claims().build())))
        .isEmpty();
    assertThat(rules.find(signed(JWSAlgorithm.RS512, new RSASSASigner(rsa), claims().build())))
        .isEmpty();
  }

  @Test
  void whatNobodySignedOrSomebodyChangedIsNotBelieved() throws Exception {
    assertThat(hmac().find(new PlainJWT(claims().build()).serialize())).isEmpty();
    String good = hs256(claims().build());
    String[] parts = good.split("\\.");
    String other = hs256(claims().subject("root").build()).split("\\.")[1];
    assertThat(hmac().find(parts[0] + "." + other + "." + parts[2])).isEmpty();
    assertThat(hmac().find(parts[0] + "." + parts[1] + ".")).isEmpty();
    for (String nonsense : List.of("", ".", "..", "a.b.c", "x".repeat(10_000), "\u0000")) {
      assertThat(hmac().find(nonsense)).isEmpty();
    }
  }

  @Test
  void claimsMustFit() throws Exception {
    assertThat(hmac().find(hs256(claims().issuer("https://other").build()))).isEmpty();
    assertThat(hmac().find(hs256(claims().issuer(null).build()))).isEmpty();
    assertThat(hmac().find(hs256(claims().audience("other").build()))).isEmpty();
    assertThat(hmac().find(hs256(claims().audience((String) null).build()))).isEmpty();
    assertThat(hmac().find(hs256(claims().subject(null).build()))).isEmpty();
    assertThat(hmac().find(hs256(claims().subject(" ").build()))).isEmpty();
    assertThat(hmac().find(hs256(claims().expirationTime(null).build()))).isEmpty();
    assertThat(
            hmac()
                .find(
                    hs256(
                        claims()
                            .notBeforeTime(Date.from(clock.instant().plusSeconds(300)))
                            .build())))
        .isEmpty();
  }

  @Test
  void expiresByTheClockWithAMinuteOfGrace() throws Exception {
    TokenRules rules = hmac();
    String token = hs256(claims().build());
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
    assertThatThrownBy(() -> rules().secret(Secret.of("short")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("key must have at least 32 bytes, got 5");
  }

  @Test
  void filesThatAreNoKeySetsAreOurExceptions() throws Exception {
    assertThatThrownBy(() -> rules().keySet(folder.resolve("none.json")))
        .isInstanceOf(StorageException.class);
    Path file = folder.resolve("bad.json");
    for (String text : List.of("", "{", "{}", "{\"keys\":[]}")) {
      Files.writeString(file, text);
      assertThatThrownBy(() -> rules().keySet(file))
          .as(text)
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("bad.json");
    }
  }
}
