package io.athanor.server;

import static io.athanor.server.Client.json;
import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.registry.ModelRegistry;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is sent wherever, no stack trace leaves, and the server goes on. */
class HostileRequestsTest {
  private static final List<String> NAMES =
      List.of("assistant", "polite:7", "embedder", "%00", "..%2f..", "a%0d%0ab", "x".repeat(3_000));
  private static final List<String> BODIES =
      List.of(
          "",
          "{}",
          "[]",
          "null",
          "7",
          "\"\\ud800\"",
          "{\"input\":null}",
          "{\"inputs\":{}}",
          "{\"inputs\":[null]}",
          "{\"model\":\"assistant\",\"messages\":[null]}",
          "{\"model\":\"assistant\",\"messages\":[{\"role\":\"\\u0000\",\"content\":{}}]}",
          "{\"model\":7,\"prompt\":[[]]}",
          "{\"model\":\"embedder\",\"input\":[1,2]}",
          "{\"prompt\":\"" + "x".repeat(5_000) + "\",\"stop\":[[]]}",
          "{\"version\":1e400,\"reason\":{}}",
          "{\"model\":\":\"}",
          "{\"model\":\"../..:1\"}");

  @TempDir Path folder;

  @Test
  @Timeout(120)
  void noStackTraceLeaves() throws Exception {
    try (ModelRegistry registry = ModelRegistry.open(folder);
        ModelServer server =
            ModelServer.on(0)
                .serve(new FakeText())
                .serve(new FakeEmbedding())
                .registry(registry)
                .requestTimeout(Duration.ofSeconds(5))
                .start()) {
      Client client = new Client(server.address());
      Random random = new Random(5);
      int sent = 0;
      for (String operation : Documented.operations(json(client.get("/openapi.json")))) {
        String method = operation.split(" ")[0].toUpperCase(Locale.ROOT);
        String template = operation.split(" ")[1];
        if (template.equals("/v1/events")) {
          continue; // it answers until somebody hangs up
        }
        for (String body : BODIES) {
          String name = NAMES.get(random.nextInt(NAMES.size()));
          String path = template.replaceAll("\\{[a-z]+}", name.replace("%", "%25"));
          String query = random.nextBoolean() ? "?plan=" + "%22%3Cx&first=%00&limit=-" : "";
          HttpResponse<String> answer =
              client.send(method, path + query, BodyPublishers.ofString(body), "application/json");
          String what = operation + " " + name + " " + body;
          assertThat(answer.statusCode()).as(what).isNotEqualTo(500).isBetween(200, 503);
          assertThat(answer.body())
              .as(what)
              .doesNotContain("Exception", "\tat ", "java.", "io.athanor", "jetty", "javalin");
          sent++;
        }
      }
      assertThat(sent).isGreaterThan(400);
      assertThat(client.get("/health").statusCode()).isEqualTo(200);
    }
  }
}
