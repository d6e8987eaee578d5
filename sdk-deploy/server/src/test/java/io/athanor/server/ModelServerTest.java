package io.athanor.server;

import static io.athanor.server.Client.detail;
import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.InProcessDeployment;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract of every endpoint. */
class ModelServerTest {
  private static final String SIZES = "/v1/models/sizes";
  private static final String SPAM = "/v1/models/spam-filter";

  private static Backend backend;
  private static final List<InProcessDeployment> DEPLOYED = new ArrayList<>();
  private static ModelServer server;
  private static Client client;

  @BeforeAll
  static void start() {
    backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
    var inProcess = Deployments.inProcess().backend(backend);
    DEPLOYED.add(inProcess.deploy("spam-filter", TinyArtifacts.spam()));
    DEPLOYED.add(inProcess.deploy("sizes", TinyArtifacts.sizes()));
    DEPLOYED.add(inProcess.deploy("prices", TinyArtifacts.prices()));
    ModelServer.Builder builder = ModelServer.on(0).maximumRows(50).bodyLimit(100_000);
    DEPLOYED.forEach(builder::serve);
    server = builder.start();
    client = new Client(server.address());
  }

  @AfterAll
  static void stop() {
    server.close();
    DEPLOYED.forEach(InProcessDeployment::close);
    backend.close();
  }

  @Test
  void listensOnTheLoopbackAddress() {
    assertThat(server.address().getHost()).isEqualTo("127.0.0.1");
    assertThat(server.address().getPort()).isPositive();
  }

  @Test
  void listsTheModels() throws Exception {
    JsonNode models = json(client.get("/v1/models")).get("models");
    assertThat(models.findValuesAsText("name")).containsExactly("spam-filter", "sizes", "prices");
    assertThat(models.findValuesAsText("task"))
        .containsExactly("classification", "classification", "regression");
  }

  @Test
  void describesAModel() throws Exception {
    JsonNode model = json(client.get(SIZES));
    assertThat(model.get("digest").textValue())
        .isEqualTo(TinyArtifacts.sizes().weightsDigest().toString());
    assertThat(model.get("labels")).hasToString("[\"small\",\"large\"]");
    assertThat(model.get("columns"))
        .hasToString(
            "[{\"name\":\"size\",\"type\":\"number\"},"
                + "{\"name\":\"colour\",\"type\":\"category\",\"categories\":[\"red\",\"green\"]}]");
    assertThat(model.at("/metrics/validation.loss").doubleValue()).isEqualTo(0.25);
  }

  @Test
  void predictsATextGivenAsStringOrAsColumn() throws Exception {
    for (String input : List.of("\"You WON a prize!!\"", "{\"body\": \"You WON a prize!!\"}")) {
      JsonNode answer = json(client.post(SPAM + "/predict", "{\"input\": " + input + "}"));
      assertThat(answer.get("model").textValue()).isEqualTo("spam-filter");
      assertThat(answer.get("version").textValue()).hasSize(12);
      assertThat(answer.get("label").textValue()).isEqualTo("spam");
      // You WON a prize !! : two of five words speak for spam, so the logit is 12 * 0.4 - 2.
      assertThat(answer.get("confidence").doubleValue())
          .isCloseTo(1 / (1 + Math.exp(-2.8)), within(1e-5));
      assertThat(answer.at("/alternatives/0/label").textValue()).isEqualTo("ham");
      assertThat(answer.get("latencyMillis").doubleValue()).isPositive();
    }
  }

  @Test
  void readsNamesThatAreWrittenWithEscapes() throws Exception {
    for (String path : List.of("prices/predict", "pri%63es/predict", "prices/predict/")) {
      JsonNode answer = json(client.post("/v1/models/" + path, "{\"input\":{\"area\":70}}"));
      assertThat(answer.get("model").textValue()).as(path).isEqualTo("prices");
      assertThat(answer.get("value").isNumber()).as(path).isTrue();
    }
  }

  @Test
  void estimatesAValue() throws Exception {
    JsonNode answer = json(client.post("/v1/models/prices/predict", "{\"input\":{\"area\":70}}"));
    assertThat(answer.get("value").doubleValue()).isCloseTo(310, within(1e-3));
    assertThat(answer.has("label")).isFalse();
  }

  @Test
  void answersABatchInItsOrder() throws Exception {
    String inputs =
        "{\"inputs\":[{\"size\":0,\"colour\":\"red\"},{\"size\":20,\"colour\":null},"
            + "{\"size\":1,\"colour\":\"green\"}]}";
    JsonNode answer = json(client.post(SIZES + "/batch", inputs));
    assertThat(answer.get("results"))
        .extracting(result -> result.get("label").textValue())
        .containsExactly("small", "large", "small");
    assertThat(json(client.post(SIZES + "/batch", "{\"inputs\":[]}")).get("results")).isEmpty();
  }

  @Test
  void namesEveryBadRowOfABatchAndPredictsNone() throws Exception {
    long before = DEPLOYED.get(1).stats().answered();
    String inputs =
        "{\"inputs\":[{\"size\":0,\"colour\":\"red\"},{\"size\":2,\"colour\":\"blue\"},"
            + "{\"size\":\"x\",\"colour\":\"green\"}, 7]}";
    JsonNode problem = problem(client.post(SIZES + "/batch", inputs), 422);
    assertThat(detail(problem)).startsWith("3 of 4 rows do not fit");
    assertThat(problem.get("errors").findValuesAsText("index")).containsExactly("1", "2", "3");
    assertThat(problem.get("errors").findValuesAsText("column")).containsExactly("colour", "size");
    assertThat(problem.at("/errors/0/detail").textValue()).contains("'blue'", "[red, green]");
    assertThat(DEPLOYED.get(1).stats().answered()).isEqualTo(before);
  }

  @Test
  void boundsTheRowsOfABatch() throws Exception {
    String rows = "1,".repeat(50) + "1";
    JsonNode problem = problem(client.post(SIZES + "/batch", "{\"inputs\":[" + rows + "]}"), 422);
    assertThat(detail(problem)).isEqualTo("'inputs' may hold at most 50 rows, got 51");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"input":{"size":1,"colour":"blue"}}         | colour | category 'blue' was not in the training data
          {"input":{"size":"1","colour":"red"}}        | size   | expected a number or null, got string "1"
          {"input":{"size":1e999,"colour":"red"}}      | size   | expected a finite number
          {"input":{"size":1}}                         | colour | missing; send null if its value is unknown
          {"input":{"size":1,"colour":"red","age":1}}  | age    | unknown column
          {"input":"hello"}                            |        | does not read a single text
          {"inputs":[]}                                |        | Expected an object with the one field 'input', got the fields [inputs]
          {"input":"a","more":1}                       |        | Expected an object with the one field 'input'
          [1]                                          |        | got array
          7                                            |        | got number 7
          """)
  void inputThatDoesNotFitTheSchemaIs422(String body, String column, String detail)
      throws Exception {
    JsonNode problem = problem(client.post(SIZES + "/predict", body), 422);
    assertThat(detail(problem)).contains(detail);
    assertThat(problem.path("column").textValue()).isEqualTo(column);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"input\":", "{'input':1}", "{\"input\":NaN}", "{} {}", "{\"a\":1,\"a\":2}", ""})
  void malformedJsonIs400(String body) throws Exception {
    problem(client.post(SIZES + "/predict", body), 400);
  }

  @Test
  void malformedJsonNamesLineAndColumn() throws Exception {
    JsonNode problem = problem(client.post(SIZES + "/predict", "{\n  \"input\": oops\n}"), 400);
    assertThat(detail(problem)).startsWith("The body is not valid JSON at line 2, column ");
    assertThat(problem.get("line").intValue()).isEqualTo(2);
  }

  @Test
  void deepNestingIs400() throws Exception {
    String deep = "{\"input\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}";
    assertThat(detail(problem(client.post(SIZES + "/predict", deep), 400))).contains("nesting");
  }

  @Test
  void longQuotationsOfTheCallerAreCut() throws Exception {
    String body = "{\"input\":{\"size\":1,\"colour\":\"" + "x".repeat(50_000) + "\"}}";
    HttpResponse<String> response = client.post(SIZES + "/predict", body);
    problem(response, 422);
    assertThat(response.body()).hasSizeLessThan(2_000);
  }

  @Test
  void halfACharacterInTheInputDoesNotBreakTheError() throws Exception {
    String body = "{\"input\":{\"size\":1,\"colour\":\"\\ud800\"}}";
    assertThat(detail(problem(client.post(SIZES + "/predict", body), 422))).contains("'?'");
  }

  @Test
  void textThatIsNotUtf8Is400() throws Exception {
    byte[] body = {'{', '"', 'i', 'n', 'p', 'u', 't', '"', ':', '"', (byte) 0xFF, '"', '}'};
    HttpResponse<String> response =
        client.send(
            "POST", SPAM + "/predict", BodyPublishers.ofByteArray(body), "application/json");
    assertThat(detail(problem(response, 400))).isEqualTo("The body is not valid UTF-8");
  }

  @ParameterizedTest
  @ValueSource(strings = {"text/plain", "application/json; charset=utf-16", "application/xml"})
  void otherContentTypesAre415(String type) throws Exception {
    var body = BodyPublishers.ofString("{\"input\":\"a\"}");
    HttpResponse<String> response = client.send("POST", SPAM + "/predict", body, type);
    assertThat(detail(problem(response, 415))).contains("application/json", type);
  }

  @Test
  void missingContentTypeIs415ButACharsetOfUtf8IsFine() throws Exception {
    var body = BodyPublishers.ofString("{\"input\":\"a\"}");
    problem(client.send("POST", SPAM + "/predict", body, null), 415);
    assertThat(
            client
                .send("POST", SPAM + "/predict", body, "application/json; charset=UTF-8")
                .statusCode())
        .isEqualTo(200);
  }

  @Test
  void unknownModelIs404AndListsTheAvailable() throws Exception {
    JsonNode problem = problem(client.post("/v1/models/nope/predict", "{\"input\":1}"), 404);
    assertThat(detail(problem)).isEqualTo("No model 'nope'; there is spam-filter, sizes, prices");
    assertThat(problem.get("available")).hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/v1", "/v2/models", "/v1/models/sizes/explain", "/v1/models/a/b/c"})
  void unknownPathsAre404(String path) throws Exception {
    assertThat(detail(problem(client.get(path), 404)))
        .contains("GET /openapi.json describes what there is");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /v1/models/sizes/predict, POST",
    "DELETE, /v1/models/sizes, GET",
    "OPTIONS, /v1/models, GET",
    "PUT, /health, GET"
  })
  void otherMethodsAre405AndNameTheAllowedOne(String method, String path, String allowed)
      throws Exception {
    HttpResponse<String> response = client.send(method, path, BodyPublishers.noBody(), null);
    problem(response, 405);
    assertThat(response.headers().firstValue("Allow").orElseThrow()).contains(allowed);
  }

  @Test
  void headAnswersWithoutABody() throws Exception {
    HttpResponse<String> response = client.send("HEAD", "/health", BodyPublishers.noBody(), null);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEmpty();
  }

  @Test
  void isHealthyAndReady() throws Exception {
    assertThat(json(client.get("/health")).get("status").textValue()).isEqualTo("up");
    assertThat(json(client.get("/health/ready")).get("status").textValue()).isEqualTo("ready");
  }

  @Test
  void everyResponseCarriesARequestIdWhichAProblemRepeats() throws Exception {
    HttpResponse<String> response = client.get("/nowhere");
    String id = response.headers().firstValue("X-Request-Id").orElseThrow();
    assertThat(problem(response, 404).get("requestId").textValue()).isEqualTo(id);
    assertThat(response.headers().firstValue("Server")).isEmpty();
  }

  @Test
  void metricsAreInPrometheusTextFormAndCountRequestsRowsAndBatches() throws Exception {
    client.post("/v1/models/prices/predict", "{\"input\":{\"area\":70}}");
    client.get("/v1/models/made-up-name");
    HttpResponse<String> response = client.get("/metrics");
    assertThat(response.headers().firstValue("Content-Type").orElseThrow())
        .startsWith("text/plain; version=0.0.4");
    Pattern line = Pattern.compile("[a-z_]+(\\{([a-z_]+=\"[^\"]*\",?)*})? [-+0-9.eEINaNf]+");
    long samples =
        response
            .body()
            .lines()
            .filter(l -> !l.startsWith("#"))
            .peek(l -> assertThat(l).matches(line))
            .count();
    assertThat(samples).isGreaterThan(30);
    assertThat(
            sample(
                response.body(), "athanor_rows_total{.*model=\"prices\",outcome=\"answered\".*}"))
        .isPositive();
    assertThat(sample(response.body(), "athanor_batches_total{.*prices.*}")).isPositive();
    assertThat(sample(response.body(), "athanor_queue_rows{.*prices.*}")).isZero();
    assertThat(
            sample(
                response.body(),
                "athanor_http_requests_seconds_bucket{model=\"prices\",route=\"/v1/models/\\{name}/predict\",status=\"200\",le=\"5.0\"}"))
        .isPositive();
    assertThat(response.body()).doesNotContain("made-up-name");
  }

  private static double sample(String text, String series) {
    Matcher found =
        Pattern.compile(
                "^"
                    + series.replace("{", "\\{").replace("\\\\{", "\\{").replace("}", "\\}")
                    + " (.+)$",
                Pattern.MULTILINE)
            .matcher(text);
    assertThat(found.find()).as(series + " in\n" + text).isTrue();
    return Double.parseDouble(found.group(1));
  }

  @Test
  void concurrentClientsGetTheirOwnAnswers() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(16);
    List<Future<?>> done = new ArrayList<>();
    try {
      for (int c = 0; c < 16; c++) {
        int area = 10 * c;
        Callable<Void> calling =
            () -> {
              for (int i = 0; i < 25; i++) {
                JsonNode answer =
                    json(
                        client.post(
                            "/v1/models/prices/predict", "{\"input\":{\"area\":" + area + "}}"));
                assertThat(answer.get("value").doubleValue())
                    .isCloseTo(100 + 3.0 * area, within(1e-3));
              }
              return null;
            };
        done.add(pool.submit(calling));
      }
      for (Future<?> one : done) {
        one.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }
}
