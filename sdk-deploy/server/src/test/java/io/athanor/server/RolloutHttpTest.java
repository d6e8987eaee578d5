package io.athanor.server;

import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.registry.Principal;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.fixture.TinyArtifacts;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RolloutHttpTest {
  private static final String PATH = "/v1/rollouts/prices/production";

  @TempDir Path folder;

  @Test
  void showsWhereARolloutStandsAndRollsItBack() throws Exception {
    Instant begun = Instant.parse("2026-03-01T12:00:00Z");
    try (ModelRegistry registry = ModelRegistry.open(folder);
        ModelServer server = ModelServer.on(0).registry(registry).start()) {
      registry.register("prices", TinyArtifacts.prices());
      registry.register("prices", TinyArtifacts.prices());
      registry
          .rollouts()
          .write(
              new RolloutState(
                  "prices",
                  "production",
                  "prices:1",
                  "prices:2",
                  "{}",
                  RolloutPhase.RUNNING,
                  0,
                  begun,
                  begun,
                  new Principal("anna"),
                  "a try",
                  1));
      Client client = new Client(server.address());
      assertThat(json(client.get("/v1/rollouts")).get("rollouts")).hasSize(1);
      JsonNode running = json(client.get(PATH));
      assertThat(running.get("phase").textValue()).isEqualTo("running");
      assertThat(running.get("candidate").textValue()).isEqualTo("prices:2");
      JsonNode deletion =
          json(
              client.send(
                  "DELETE",
                  "/v1/registry/models/prices/versions/2?plan=true",
                  BodyPublishers.noBody(),
                  null));
      assertThat(deletion.get("possible").booleanValue()).isFalse();
      assertThat(deletion.at("/rollouts/0").textValue())
          .isEqualTo("rollout of prices:2 to prices@production");
      problem(client.post(PATH + "/rollback", "{}"), 422);
      problem(client.post(PATH + "/rollback", "{\"reason\":\" \"}"), 422);
      problem(client.post(PATH + "/resume", "{\"reason\":\"x\"}"), 409);
      JsonNode back = json(client.post(PATH + "/rollback", "{\"reason\":\"complaints\"}"));
      assertThat(back.get("phase").textValue()).isEqualTo("rolled_back");
      assertThat(registry.rollouts().read("prices", "production").orElseThrow().reason())
          .isEqualTo("complaints");
      problem(client.post(PATH + "/promote", "{\"reason\":\"x\"}"), 409);
      problem(client.get("/v1/rollouts/prices/staging"), 404);
      problem(client.get("/v1/rollouts/PRICES/staging"), 404);
    }
  }
}
