package io.athanor.server;

import static io.athanor.server.Client.detail;
import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.registry.Access;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.access.ApiKeys;
import io.athanor.server.access.RateLimit;
import io.athanor.server.access.ServerAccess;
import io.athanor.tck.fixture.TestClock;
import io.athanor.tck.fixture.TinyArtifacts;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may call, and what they may do. */
@Timeout(60)
class AccessTest {
  private static final Principal ANNA = new Principal("anna");
  private static final Set<Permission> ALL = EnumSet.allOf(Permission.class);

  @TempDir Path folder;

  private final ApiKeys keys = ApiKeys.inMemory();

  private static Client client(ModelServer server, ApiKeys.Issued key) {
    return new Client(server.address()).with("Authorization", "Bearer " + key.secret().reveal());
  }

  @Test
  void withoutAKeyNothingIsAnsweredButHealthAndDocs() throws Exception {
    try (ModelRegistry registry = ModelRegistry.open(folder);
        ModelServer server =
            ModelServer.on(0)
                .serve(new FakeText())
                .registry(registry)
                .access(ServerAccess.keys(keys))
                .start()) {
      Client stranger = new Client(server.address());
      int closed = 0;
      int open = 0;
      for (String operation : Documented.operations(json(stranger.get("/openapi.json")))) {
        String method = operation.split(" ")[0].toUpperCase(Locale.ROOT);
        String path = operation.split(" ")[1].replaceAll("\\{[a-z]+}", "x");
        HttpResponse<String> answer =
            stranger.send(method, path, BodyPublishers.ofString("{}"), "application/json");
        if (path.startsWith("/health")
            || path.startsWith("/docs")
            || path.equals("/openapi.json")) {
          assertThat(answer.statusCode()).isEqualTo(200);
          open++;
        } else {
          assertThat(answer.statusCode()).as(operation).isEqualTo(401);
          assertThat(answer.headers().firstValue("WWW-Authenticate").orElseThrow())
              .startsWith("Bearer");
          closed++;
        }
      }
      assertThat(open).isEqualTo(6);
      assertThat(closed).isGreaterThan(20);
      problem(stranger.with("X-Api-Key", "ath_00000000wrong").get("/v1/models"), 401);
      problem(stranger.with("Authorization", "Basic YTpi").get("/v1/models"), 401);
      JsonNode theirs = json(stranger.post("/v1/chat/completions", "{}")).get("error");
      assertThat(theirs.get("code").textValue()).isEqualTo("invalid_api_key");
    }
  }

  @Test
  void aKeyOpensInEitherHeaderUntilItIsRevokedOrExpires() throws Exception {
    TestClock clock = TestClock.standing();
    ApiKeys timed = ApiKeys.inMemory(clock);
    try (ModelServer server =
        ModelServer.on(0).serve(new FakeText()).access(ServerAccess.keys(timed)).start()) {
      ApiKeys.Issued key = timed.issue(ANNA, ALL, Duration.ofHours(1));
      ApiKeys.Issued other = timed.issue(ANNA, ALL);
      assertThat(client(server, key).get("/v1/models").statusCode()).isEqualTo(200);
      assertThat(
              new Client(server.address())
                  .with("X-Api-Key", other.secret().reveal())
                  .get("/v1/models")
                  .statusCode())
          .isEqualTo(200);
      clock.advance(Duration.ofHours(1));
      problem(client(server, key).get("/v1/models"), 401);
      assertThat(client(server, other).get("/v1/models").statusCode()).isEqualTo(200);
      assertThat(timed.revoke(other.entry().prefix())).isTrue();
      problem(client(server, other).get("/v1/models"), 401);
    }
  }

  @Test
  void aKeyIsGoodForWhatItWasIssuedForOnly() throws Exception {
    try (ModelRegistry registry = ModelRegistry.open(folder);
        ModelServer server =
            ModelServer.on(0).registry(registry).access(ServerAccess.keys(keys)).start()) {
      registry.register("sizes", TinyArtifacts.sizes());
      Client reader = client(server, keys.issue(ANNA, Set.of(Permission.READ)));
      assertThat(reader.get("/v1/registry/models").statusCode()).isEqualTo(200);
      JsonNode refused =
          problem(
              reader.send(
                  "DELETE", "/v1/registry/models/sizes/versions/1", BodyPublishers.noBody(), null),
              403);
      assertThat(detail(refused)).contains("'anna' is not good for 'delete'");
      problem(reader.post("/v1/deployments", "{\"model\":\"sizes:1\"}"), 403);
      problem(
          reader.send(
              "PUT",
              "/v1/registry/models/sizes/aliases/production",
              BodyPublishers.ofString("{\"version\":1}"),
              "application/json"),
          403);
      Client painter = client(server, keys.issue(ANNA, Set.of(Permission.DELETE)));
      problem(painter.get("/v1/registry/models"), 403);
      assertThat(registry.versions("sizes")).hasSize(1);
    }
  }

  @Test
  void theRegistrysRolesHoldForCallersAndTheirNamesAreRecorded() throws Exception {
    try (ModelRegistry registry = ModelRegistry.in(folder).principal(new Principal("root")).open();
        ModelServer server =
            ModelServer.on(0).registry(registry).access(ServerAccess.keys(keys)).start()) {
      registry.register("sizes", TinyArtifacts.sizes());
      registry.register("prices", TinyArtifacts.prices());
      Access access = registry.access();
      for (Permission permission : Permission.values()) {
        access.allow("root", permission);
      }
      access.assign("root", new Principal("root"));
      access.allow("sizers", Permission.READ, "sizes", Access.ANY);
      access.allow("sizers", Permission.PROMOTE, "sizes", Access.ANY);
      access.assign("sizers", ANNA);
      access.enable();
      Client anna = client(server, keys.issue(ANNA, ALL));
      assertThat(json(anna.get("/v1/registry/models")).get("models")).hasToString("[\"sizes\"]");
      problem(anna.get("/v1/registry/models/prices"), 403);
      HttpResponse<String> promoted =
          anna.send(
              "PUT",
              "/v1/registry/models/sizes/aliases/production",
              BodyPublishers.ofString("{\"version\":1}"),
              "application/json");
      assertThat(promoted.statusCode()).as(promoted.body()).isEqualTo(200);
      problem(
          anna.send(
              "DELETE", "/v1/registry/models/sizes/versions/1", BodyPublishers.noBody(), null),
          403);
      assertThat(registry.audit().entries(0, 100))
          .anySatisfy(
              entry -> {
                assertThat(entry.action()).isEqualTo("promote");
                assertThat(entry.principal()).isEqualTo(ANNA);
              });
      Client stranger = client(server, keys.issue(new Principal("bob"), ALL));
      assertThat(json(stranger.get("/v1/registry/models")).get("models")).isEmpty();
    }
  }

  @Test
  void modelsSomebodyMayNotReadAreNeitherListedNorAnswer() throws Exception {
    try (ModelRegistry registry = ModelRegistry.in(folder).principal(new Principal("root")).open();
        ModelServer server =
            ModelServer.on(0)
                .serve(new FakeText())
                .registry(registry)
                .access(ServerAccess.keys(keys))
                .start()) {
      registry.access().allow("root", Permission.ADMINISTER);
      registry.access().assign("root", new Principal("root"));
      registry.access().enable();
      Client anna = client(server, keys.issue(ANNA, ALL));
      assertThat(json(anna.get("/v1/models")).get("data")).isEmpty();
      problem(anna.post("/v1/models/assistant/generate", "{\"prompt\":\"one\"}"), 403);
      JsonNode missing = problem(anna.get("/v1/models/nobody"), 404);
      assertThat(detail(missing)).isEqualTo("No model 'nobody'; there is none");
    }
  }

  @Test
  void tooManyRequestsOfSomebodyAre429UntilTimePasses() throws Exception {
    AtomicLong time = new AtomicLong(1);
    ServerAccess access =
        ServerAccess.keys(keys)
            .limit(new RateLimit(2, Duration.ofSeconds(10), 3))
            .nanoClock(time::get);
    try (ModelServer server = ModelServer.on(0).serve(new FakeText()).access(access).start()) {
      Client anna = client(server, keys.issue(ANNA, ALL));
      for (int i = 0; i < 3; i++) {
        assertThat(anna.get("/v1/models").statusCode()).isEqualTo(200);
      }
      HttpResponse<String> refused = anna.get("/v1/models");
      problem(refused, 429);
      assertThat(refused.headers().firstValue("Retry-After")).contains("5");
      Client bob = client(server, keys.issue(new Principal("bob"), ALL));
      assertThat(bob.get("/v1/models").statusCode()).isEqualTo(200);
      time.addAndGet(Duration.ofSeconds(5).toNanos());
      assertThat(anna.get("/v1/models").statusCode()).isEqualTo(200);
      problem(anna.get("/v1/models"), 429);
    }
  }
}
