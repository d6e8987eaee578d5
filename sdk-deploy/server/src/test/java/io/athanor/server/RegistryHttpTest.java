package io.athanor.server;

import static io.athanor.server.Client.detail;
import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.InProcessDeployment;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A registry and its deployments over HTTP. */
@Timeout(60)
class RegistryHttpTest {
  private static final String PREDICT = "/v1/models/prices/predict";
  private static final String ROW = "{\"input\":{\"area\":70}}";

  @TempDir Path folder;

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final InProcessDeployment fixed =
      Deployments.inProcess().backend(backend).deploy("fixed", TinyArtifacts.sizes());
  private ModelRegistry registry;
  private ModelServer server;
  private Client client;

  @BeforeEach
  void start() {
    registry = ModelRegistry.open(folder);
    registry.register("prices", TinyArtifacts.prices());
    registry.register("prices", TinyArtifacts.prices());
    registry.register("sizes", TinyArtifacts.sizes());
    server =
        ModelServer.on(0)
            .serve(fixed)
            .registry(registry)
            .deployer(Deployments.inProcess().backend(backend)::open)
            .recordedAt("testing", "host-1")
            .start();
    client = new Client(server.address());
  }

  @AfterEach
  void stop() {
    server.close();
    fixed.close();
    registry.close();
    backend.close();
  }

  private HttpResponse<String> delete(String path) throws IOException, InterruptedException {
    return client.send("DELETE", path, BodyPublishers.noBody(), null);
  }

  private HttpResponse<String> put(String path, String body)
      throws IOException, InterruptedException {
    return client.send("PUT", path, BodyPublishers.ofString(body), "application/json");
  }

  @Test
  void listsModelsVersionsAndAliases() throws Exception {
    assertThat(json(client.get("/v1/registry/models")).get("models"))
        .hasToString("[\"prices\",\"sizes\"]");
    put("/v1/registry/models/prices/aliases/production", "{\"version\":2,\"reason\":\"better\"}");
    JsonNode model = json(client.get("/v1/registry/models/prices"));
    assertThat(model.get("versions").findValuesAsText("id"))
        .containsExactly("prices:1", "prices:2");
    assertThat(model.get("aliases")).hasToString("{\"production\":2}");
    for (String which : new String[] {"2", "production"}) {
      JsonNode version = json(client.get("/v1/registry/models/prices/versions/" + which));
      assertThat(version.get("version").intValue()).isEqualTo(2);
      assertThat(version.get("digest").textValue())
          .isEqualTo(registry.version("prices", 2).digest().toString());
      assertThat(version.get("task").textValue()).isEqualTo("regression");
      assertThat(version.at("/metrics/validation.loss").doubleValue()).isEqualTo(0.25);
    }
  }

  @Test
  void searchesAndCompares() throws Exception {
    JsonNode found =
        json(client.get("/v1/registry/search?type=regression&sort=created&limit=1&offset=1"));
    assertThat(found.get("total").intValue()).isEqualTo(2);
    assertThat(found.at("/versions/0/id").textValue()).isEqualTo("prices:2");
    assertThat(
            json(client.get("/v1/registry/search?name=siz&atMost=validation.loss:0.3"))
                .get("versions"))
        .hasSize(1);
    assertThat(json(client.get("/v1/registry/search?atLeast=validation.loss:0.3")).get("versions"))
        .isEmpty();
    JsonNode compared = json(client.get("/v1/registry/compare?first=prices:1&second=sizes:1"));
    assertThat(compared.get("metrics").findValuesAsText("metric")).contains("validation.loss");
    assertThat(compared.get("facts").findValuesAsText("name")).contains("task");
  }

  @Test
  void tellsWhatJobsMade() throws Exception {
    assertThat(json(client.get("/v1/jobs")).get("jobs")).isEmpty();
    registry.registration("prices", TinyArtifacts.prices()).job("nightly 7").register();
    registry.registration("sizes", TinyArtifacts.sizes()).job("by-hand").register();
    registry.registration("sizes", TinyArtifacts.sizes()).job("nightly 7").register();

    JsonNode jobs = json(client.get("/v1/jobs")).get("jobs");
    assertThat(jobs.findValuesAsText("job")).containsExactly("nightly 7", "by-hand");
    assertThat(jobs.findValuesAsText("versions")).containsExactly("2", "1");
    assertThat(jobs.at("/0/last").textValue())
        .isEqualTo(registry.version("sizes", 3).created().at().toString());
    JsonNode nightly = json(client.get("/v1/jobs/nightly%207"));
    assertThat(nightly.get("total").intValue()).isEqualTo(2);
    assertThat(nightly.get("versions").findValuesAsText("id"))
        .containsExactly("sizes:3", "prices:3");
    assertThat(json(client.get("/v1/registry/search?job=by-hand")).at("/versions/0/id").textValue())
        .isEqualTo("sizes:2");
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/registry/search?colour=red, 400, 'Parameter ''colour'': there is no such parameter'",
    "/v1/registry/search?limit=x, 400, Parameter 'limit'",
    "/v1/registry/search?limit=0, 400, 'Parameter ''limit'': expected a number from 1'",
    "/v1/registry/search?offset=-1, 400, 'Parameter ''offset'': expected a number from 0'",
    "/v1/registry/search?limit=5&limit=x, 400, 'Parameter ''limit'': expected a number from 1'",
    "/v1/registry/search?type=poem, 400, expected one of",
    "/v1/registry/search?sort=smell, 400, expected created",
    "/v1/registry/search?atLeast=f1, 400, expected NAME:VALUE",
    "/v1/registry/search?atLeast=f1:NaN, 400, expected a number",
    "/v1/registry/search?text=!!, 400, words must have letters",
    "/v1/jobs?limit=many, 400, 'Parameter ''limit'': expected a number from 1, got ''many'''",
    "/v1/jobs/nightly, 404, No version made by a job 'nightly'",
    "/v1/registry/compare?first=prices:1, 400, 'second' must be like",
    "/v1/registry/compare?first=prices:1&second=nope:1, 404, nope",
    "/v1/registry/models/nope, 404, nope",
    "/v1/registry/models/NOPE%20x, 404, No model can be called",
    "/v1/registry/models/prices/versions/9, 404, 9",
    "/v1/registry/models/prices/versions/99999999999, 404, 99999999999",
    "/v1/registry/models/prices/versions/1.0.0, 404, 1.0.0",
    "/v1/registry/models/prices/versions/1.0.x, 404, 1.0.x",
    "/v1/registry/models/prices/versions/staging, 404, staging",
  })
  void questionsThatMakeNoSenseSayWhy(String path, int status, String detail) throws Exception {
    assertThat(detail(problem(client.get(path), status))).contains(detail);
  }

  @Test
  void movesAliasesAfterAPlan() throws Exception {
    String path = "/v1/registry/models/prices/aliases/production";
    JsonNode plan = json(put(path + "?plan=true", "{\"version\":1}"));
    assertThat(plan.get("applied").booleanValue()).isFalse();
    assertThat(plan.get("to").intValue()).isEqualTo(1);
    assertThat(registry.aliases("prices")).isEmpty();
    JsonNode moved = json(put(path, "{\"version\":1,\"reason\":\"first\"}"));
    assertThat(moved.get("applied").booleanValue()).isTrue();
    assertThat(moved.get("reason").textValue()).isEqualTo("first");
    assertThat(json(delete(path)).get("from").intValue()).isEqualTo(1);
    assertThat(registry.aliases("prices")).isEmpty();
    problem(delete(path), 404);
    problem(put(path, "{\"version\":9}"), 404);
    problem(put(path, "{\"version\":\"x\"}"), 422);
    problem(put(path, "{\"version\":1,\"colour\":2}"), 422);
    problem(put(path + "?plan=maybe", "{\"version\":1}"), 400);
  }

  @Test
  void deletesVersionsUnlessSomethingPointsToThem() throws Exception {
    put("/v1/registry/models/prices/aliases/production", "{\"version\":2}");
    JsonNode plan = json(delete("/v1/registry/models/prices/versions/2?plan=true"));
    assertThat(plan.get("possible").booleanValue()).isFalse();
    assertThat(plan.get("aliases")).hasToString("[\"production\"]");
    problem(delete("/v1/registry/models/prices/versions/2"), 409);
    JsonNode done = json(delete("/v1/registry/models/prices/versions/1"));
    assertThat(done.get("applied").booleanValue()).isTrue();
    assertThat(registry.versions("prices")).hasSize(1);
    problem(delete("/v1/registry/models/prices/versions/1"), 404);
  }

  @Test
  void deploysReplacesAndTakesDown() throws Exception {
    problem(client.post(PREDICT, ROW), 404);
    JsonNode plan = json(client.post("/v1/deployments?plan=true", "{\"model\":\"prices:1\"}"));
    assertThat(plan.get("applied").booleanValue()).isFalse();
    problem(client.post(PREDICT, ROW), 404);
    assertThat(client.post("/v1/deployments", "{\"model\":\"prices:1\"}").statusCode())
        .isEqualTo(201);
    assertThat(json(client.post(PREDICT, ROW)).get("version").textValue()).isEqualTo("1");
    assertThat(registry.deployments().live())
        .hasSize(1)
        .first()
        .hasToString("prices:1 in testing at host-1");
    JsonNode replaced = json(client.post("/v1/deployments", "{\"model\":\"prices:2\"}"));
    assertThat(replaced.get("replaces").textValue()).isEqualTo("prices:1");
    JsonNode answer = json(client.post("/v1/models/prices:2/predict", ROW));
    assertThat(answer.get("version").textValue()).isEqualTo("2");
    problem(client.post("/v1/models/prices:1/predict", ROW), 404);
    assertThat(registry.deployments().live())
        .extracting(Object::toString)
        .containsExactly("prices:2 in testing at host-1");
    JsonNode deployment = json(client.get("/v1/deployments/prices"));
    assertThat(deployment.at("/stats/answered").intValue()).isEqualTo(1);
    assertThat(deployment.get("errorRate").doubleValue()).isZero();
    assertThat(json(client.get("/v1/deployments")).get("deployments").findValuesAsText("name"))
        .containsExactly("fixed", "prices");
    assertThat(json(delete("/v1/deployments/prices?plan=true")).get("applied").booleanValue())
        .isFalse();
    assertThat(json(delete("/v1/deployments/prices")).get("applied").booleanValue()).isTrue();
    problem(client.post(PREDICT, ROW), 404);
    assertThat(registry.deployments().live()).isEmpty();
    assertThat(client.get("/metrics").body()).doesNotContain("athanor_queue_rows{model=\"prices\"");
  }

  @Test
  void whatTheApplicationServesItAloneTakesDown() throws Exception {
    assertThat(detail(problem(delete("/v1/deployments/fixed"), 409)))
        .contains("served by the application");
    registry.register("fixed", TinyArtifacts.sizes());
    problem(client.post("/v1/deployments", "{\"model\":\"fixed:1\"}"), 409);
    problem(client.post("/v1/deployments", "{\"model\":\"nope:1\"}"), 404);
    problem(client.post("/v1/deployments", "{\"model\":\"prices\"}"), 422);
    problem(client.post("/v1/deployments", "{}"), 422);
    problem(delete("/v1/deployments/nope"), 404);
    assertThat(registry.deployments().live()).isEmpty();
  }

  @Test
  void closingTellsTheRegistryThatNothingIsLive() throws Exception {
    client.post("/v1/deployments", "{\"model\":\"prices:1\"}");
    assertThat(registry.deployments().live()).hasSize(1);
    server.close();
    assertThat(registry.deployments().live()).isEmpty();
  }
}
