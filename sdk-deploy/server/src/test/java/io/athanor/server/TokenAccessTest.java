package io.athanor.server;

import static io.athanor.server.Client.detail;
import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static io.athanor.server.access.SignedTokens.signed;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.PlainJWT;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.access.ApiKeys;
import io.athanor.server.access.ServerAccess;
import io.athanor.server.access.SignedTokens;
import io.athanor.tck.fixture.TestClock;
import io.athanor.tck.fixture.TinyArtifacts;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** JSON web tokens at the door. */
@Timeout(240)
class TokenAccessTest {
  @TempDir Path folder;

  private final TestClock clock = TestClock.at(Instant.parse("2026-03-01T12:00:00Z"));
  private final SignedTokens tokens = new SignedTokens(clock);

  private ModelServer server(ServerAccess access) {
    return ModelServer.on(0).serve(new FakeText()).access(access).start();
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
    try (ModelServer server = server(ServerAccess.tokens(tokens.hmac()))) {
      String token = tokens.hs256(tokens.claims().build());
      assertThat(json(ask(server, token)).get("text").textValue()).isEqualTo("one two");
      clock.advance(Duration.ofSeconds(700));
      refused(ask(server, token));
    }
  }

  @Test
  void tokensForOthersUnsignedOrChangedOnesOpenNothing() throws Exception {
    try (ModelServer server = server(ServerAccess.tokens(tokens.hmac()))) {
      refused(ask(server, tokens.hs256(tokens.claims().audience("another").build())));
      refused(ask(server, tokens.hs256(tokens.claims().issuer("https://other").build())));
      refused(ask(server, new PlainJWT(tokens.claims().build()).serialize()));
      String good = tokens.hs256(tokens.claims().build());
      assertThat(ask(server, good).statusCode()).isEqualTo(200);
      String[] parts = good.split("\\.");
      refused(ask(server, parts[0] + "." + parts[1] + "."));
      String root = tokens.hs256(tokens.claims().subject("root").build()).split("\\.")[1];
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
    ServerAccess access = ServerAccess.keys(keys).orTokens(tokens.rules().keySet(file).build());
    try (ModelServer server = server(access)) {
      String good = signed(JWSAlgorithm.RS256, new RSASSASigner(rsa), tokens.claims().build());
      assertThat(ask(server, good).statusCode()).isEqualTo(200);
      byte[] published = rsa.toRSAPublicKey().getEncoded();
      refused(
          ask(
              server,
              signed(JWSAlgorithm.HS256, new MACSigner(published), tokens.claims().build())));
      refused(ask(server, tokens.hs256(tokens.claims().build())));
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
                .access(ServerAccess.tokens(tokens.hmac()))
                .start()) {
      registry.register("sizes", TinyArtifacts.sizes());
      Client client = new Client(server.address());
      Client reader =
          client.with("Authorization", "Bearer " + tokens.hs256(tokens.claims().build()));
      assertThat(reader.get("/v1/registry/models").statusCode()).isEqualTo(200);
      JsonNode refusal = problem(reader.post("/v1/deployments", "{\"model\":\"sizes:1\"}"), 403);
      assertThat(detail(refusal)).contains("'anna' is not good for 'update'");
      String nothing = tokens.hs256(tokens.claims().claim("scope", "").build());
      problem(client.with("Authorization", "Bearer " + nothing).get("/v1/registry/models"), 403);
    }
  }
}
