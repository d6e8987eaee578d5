package io.athanor.server;

import static io.athanor.server.Client.detail;
import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import io.athanor.api.common.Secret;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.access.ApiKeys;
import io.athanor.server.access.ServerAccess;
import io.athanor.server.access.TokenRules;
import io.athanor.tck.fixture.TestClock;
import io.athanor.tck.fixture.TinyArtifacts;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** JSON web tokens at the door. */
@Timeout(240)
class TokenAccessTest {
  private static final String SECRET = "0123456789abcdef0123456789abcdef";

  @TempDir Path folder;

  private final TestClock clock = TestClock.at(Instant.parse("2026-03-01T12:00:00Z"));

  private TokenRules.Builder rules() {
    return TokenRules.issuedBy("https://issuer").audience("athanor").clock(clock);
  }

  private ModelServer server(ServerAccess access) {
    return ModelServer.on(0).serve(new FakeText()).access(access).start();
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

  private static String hs256(JWTClaimsSet claims) throws JOSEException {
    return signed(JWSAlgorithm.HS256, new MACSigner(SECRET), claims);
  }

  private static HttpResponse<String> ask(ModelServer server, String token) throws Exception {
    return new Client(server.address())
        .with("Authorization", "Bearer " + token)
        .post("/v1/models/assistant/generate", "{\"prompt\":\"one two\"}");
  }

  private static void refused(HttpResponse<String> answer) {
    assertThat(detail(problem(answer, 401))).startsWith("Show a valid key or token");
    assertThat(answer.headers().firstValue("WWW-Authenticate").orElseThrow()).startsWith("Bearer");
  }

  @Test
  void aGoodTokenOpensUntilItExpires() throws Exception {
    try (ModelServer server =
        server(ServerAccess.tokens(rules().secret(Secret.of(SECRET)).build()))) {
      String token = hs256(claims().build());
      assertThat(json(ask(server, token)).get("text").textValue()).isEqualTo("one two");
      clock.advance(Duration.ofSeconds(700));
      refused(ask(server, token));
    }
  }

  @Test
  void tokensForOthersUnsignedOrChangedOnesOpenNothing() throws Exception {
    try (ModelServer server =
        server(ServerAccess.tokens(rules().secret(Secret.of(SECRET)).build()))) {
      refused(ask(server, hs256(claims().audience("another").build())));
      refused(ask(server, hs256(claims().issuer("https://other").build())));
      refused(ask(server, new PlainJWT(claims().build()).serialize()));
      String good = hs256(claims().build());
      assertThat(ask(server, good).statusCode()).isEqualTo(200);
      String[] parts = good.split("\\.");
      refused(ask(server, parts[0] + "." + parts[1] + "."));
      String root = hs256(claims().subject("root").build()).split("\\.")[1];
      refused(ask(server, parts[0] + "." + root + "." + parts[2]));
      refused(ask(server, "x".repeat(5_000)));
    }
  }

  @Test
  void aKeySetOpensToItsOwnSignaturesAndItsPublicKeyIsNoSharedSecret() throws Exception {
    RSAKey rsa = new RSAKeyGenerator(2_048).keyID("r").generate();
    Path file = folder.resolve("keys.json");
    Files.writeString(file, new JWKSet(rsa.toPublicJWK()).toString());
    ApiKeys keys = ApiKeys.inMemory();
    ServerAccess access = ServerAccess.keys(keys).orTokens(rules().keySet(file).build());
    try (ModelServer server = server(access)) {
      String good = signed(JWSAlgorithm.RS256, new RSASSASigner(rsa), claims().build());
      assertThat(ask(server, good).statusCode()).isEqualTo(200);
      byte[] published = rsa.toRSAPublicKey().getEncoded();
      refused(ask(server, signed(JWSAlgorithm.HS256, new MACSigner(published), claims().build())));
      refused(ask(server, hs256(claims().build())));
      String key = keys.issue(new Principal("bob"), Set.of(Permission.READ)).secret().reveal();
      assertThat(ask(server, key).statusCode()).as("keys are good beside tokens").isEqualTo(200);
    }
  }

  @Test
  void theScopeIsTheMostThatACallerMayDo() throws Exception {
    try (ModelRegistry registry = ModelRegistry.open(folder);
        ModelServer server =
            ModelServer.on(0)
                .registry(registry)
                .access(ServerAccess.tokens(rules().secret(Secret.of(SECRET)).build()))
                .start()) {
      registry.register("sizes", TinyArtifacts.sizes());
      Client client = new Client(server.address());
      Client reader = client.with("Authorization", "Bearer " + hs256(claims().build()));
      assertThat(reader.get("/v1/registry/models").statusCode()).isEqualTo(200);
      JsonNode refusal = problem(reader.post("/v1/deployments", "{\"model\":\"sizes:1\"}"), 403);
      assertThat(detail(refusal)).contains("'anna' is not good for 'update'");
      String nothing = hs256(claims().claim("scope", "").build());
      problem(client.with("Authorization", "Bearer " + nothing).get("/v1/registry/models"), 403);
    }
  }
}
