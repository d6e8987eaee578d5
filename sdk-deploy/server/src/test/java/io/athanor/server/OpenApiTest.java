package io.athanor.server;

import static io.athanor.server.Client.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.access.ApiKeys;
import io.athanor.server.access.ServerAccess;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OpenApiTest {
  private static final Pattern REFERENCE = Pattern.compile("\"\\$ref\":\\s*\"#/([^\"]+)\"");

  @TempDir Path folder;

  private static Set<String> registered(ModelServer server) {
    return server.parts().javalin().unsafe.internalRouter.allHttpHandlers().stream()
        .map(parsed -> parsed.endpoint)
        .filter(endpoint -> endpoint.method.isHttpMethod())
        .map(endpoint -> endpoint.method.name().toLowerCase(Locale.ROOT) + " " + endpoint.path)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void describesEveryRouteAndNoOther() throws Exception {
    try (ModelRegistry registry = ModelRegistry.open(folder);
        ModelServer server = ModelServer.on(0).registry(registry).start()) {
      JsonNode document = json(new Client(server.address()).get("/openapi.json"));
      assertThat(document.get("openapi").textValue()).isEqualTo("3.1.0");
      assertThat(Documented.operations(document))
          .isEqualTo(registered(server))
          .hasSizeGreaterThan(25);
      try (InputStream in = getClass().getResourceAsStream("docs/openapi.json")) {
        JsonNode whole = new ObjectMapper().readTree(in);
        assertThat(Documented.operations(whole)).isEqualTo(registered(server));
      }
    }
  }

  @Test
  void leavesOutWhatAServerDoesNotHave() throws Exception {
    try (ModelServer server = ModelServer.on(0).serve(new FakeText()).start()) {
      JsonNode document = json(new Client(server.address()).get("/openapi.json"));
      assertThat(Documented.operations(document))
          .isEqualTo(registered(server))
          .contains("get /v1/deployments")
          .doesNotContain("post /v1/deployments", "get /v1/registry/search");
    }
  }

  @Test
  void everyReferenceLeadsSomewhereAndEveryOperationIsTold() throws Exception {
    try (InputStream in = getClass().getResourceAsStream("docs/openapi.json")) {
      JsonNode document = new ObjectMapper().readTree(in);
      Matcher reference = REFERENCE.matcher(document.toString());
      int found = 0;
      while (reference.find()) {
        assertThat(document.at("/" + reference.group(1)).isObject())
            .as(reference.group(1))
            .isTrue();
        found++;
      }
      assertThat(found).isGreaterThan(50);
      for (JsonNode path : document.get("paths")) {
        for (JsonNode operation : path) {
          assertThat(operation.path("summary").asText()).isNotBlank();
          assertThat(operation.get("responses")).isNotEmpty();
        }
      }
    }
  }

  @Test
  void pageNeedsNothingFromElsewhere() throws Exception {
    try (ModelServer server =
        ModelServer.on(0)
            .serve(new FakeText())
            .access(ServerAccess.keys(ApiKeys.inMemory()))
            .start()) {
      Client client = new Client(server.address());
      HttpResponse<String> page = client.get("/docs");
      assertThat(page.statusCode()).isEqualTo(200);
      assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
          .contains("default-src 'none'");
      assertThat(page.body()).contains("/docs/docs.js", "/docs/docs.css").doesNotContain("http");
      for (String part : Set.of("/docs/docs.js", "/docs/docs.css")) {
        HttpResponse<String> answer = client.get(part);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).hasSizeGreaterThan(200).doesNotContain("http://", "https://");
      }
    }
  }
}
