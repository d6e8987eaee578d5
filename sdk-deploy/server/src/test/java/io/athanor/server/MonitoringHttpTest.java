package io.athanor.server;

import static io.athanor.server.Client.detail;
import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.BaselineSketch;
import io.athanor.api.data.Row;
import io.athanor.api.data.Trait;
import io.athanor.api.data.Traits;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.monitor.AlertRule;
import io.athanor.deploy.monitor.FeedbackEntry;
import io.athanor.deploy.monitor.FeedbackLog;
import io.athanor.deploy.monitor.MonitoredDeployment;
import io.athanor.deploy.monitor.Monitoring;
import io.athanor.deploy.monitor.Opinion;
import io.athanor.server.access.ApiKeys;
import io.athanor.server.access.ServerAccess;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Watched models: what their monitors see, and what people say of their answers. */
@Timeout(240)
class MonitoringHttpTest {
  private static final String FEEDBACK = "/v1/models/prices/feedback";

  @TempDir Path folder;

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private FeedbackLog log;
  private MonitoredDeployment live;
  private ModelServer server;
  private Client client;

  @BeforeEach
  void start() {
    log = FeedbackLog.open(folder);
    live =
        new Monitoring()
            .baseline(Optional.of(areasAround(50)))
            .alert(new AlertRule.Drift())
            .checkEvery(Duration.ZERO)
            .feedback(log)
            .watch(
                Deployments.inProcess().backend(backend).deploy("prices", TinyArtifacts.prices()));
    server =
        ModelServer.on(0)
            .serve(live)
            .serve(new FakeEmbedding())
            .trafficInterval(Duration.ofHours(1))
            .start();
    client = new Client(server.address());
  }

  @AfterEach
  void stop() {
    server.close();
    live.close();
    log.close();
    backend.close();
  }

  /** Of areas and their prices, which are 100 and three for each unit. */
  private static Baseline areasAround(double mean) {
    Traits traits = Traits.of(TinyArtifacts.prices().encoding());
    BaselineSketch sketch = new BaselineSketch();
    Random random = new Random(1);
    for (int i = 0; i < 2_000; i++) {
      double area = mean + 10 * random.nextGaussian();
      traits.read(Row.of("area", area), sketch);
      sketch.number(new Trait("price", Trait.Aspect.PREDICTION), 100 + 3 * area);
    }
    return sketch.baseline();
  }

  private JsonNode askAboutAreasAround(double mean, int count) throws Exception {
    Random random = new Random(2);
    String rows =
        IntStream.range(0, count)
            .mapToObj(i -> "{\"area\":" + (mean + 10 * random.nextGaussian()) + "}")
            .collect(Collectors.joining(","));
    JsonNode answer = json(client.post("/v1/models/prices/batch", "{\"inputs\":[" + rows + "]}"));
    live.monitor().check();
    return answer;
  }

  private String predictedId(double area) throws Exception {
    HttpResponse<String> answer =
        client.post("/v1/models/prices/predict", "{\"input\":{\"area\":" + area + "}}");
    return json(answer).get("id").textValue();
  }

  private List<FeedbackEntry> kept() {
    List<FeedbackEntry> entries = new ArrayList<>();
    log.forEach(entries::add);
    return entries;
  }

  @Test
  void showsDriftAndReadingsAndTellsOfTheAlert() throws Exception {
    askAboutAreasAround(50, 300);
    JsonNode calm = json(client.get("/v1/deployments/prices/drift"));
    assertThat(calm.get("drifted").intValue()).isZero();
    assertThat(calm.get("traits").findValuesAsText("column")).contains("area", "price");
    try (Socket socket = new Socket(server.address().getHost(), server.address().getPort())) {
      socket.setSoTimeout(20_000);
      socket
          .getOutputStream()
          .write("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      while (!server.events().anybodyReads()) {
        Thread.onSpinWait();
      }

      askAboutAreasAround(90, 700);

      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      String line = lines.readLine();
      while (!line.startsWith("data: ")) {
        line = lines.readLine();
      }
      JsonNode event = json(line.substring("data: ".length()));
      assertThat(event.get("type").textValue()).isEqualTo("alert");
      assertThat(event.get("model").textValue()).isEqualTo("prices");
      assertThat(event.at("/data/rule").textValue()).isEqualTo("drift");
      assertThat(event.at("/data/state").textValue()).isEqualTo("firing");
      assertThat(event.at("/data/message").textValue()).contains("DRIFT area, value");
    }

    JsonNode drift = json(client.get("/v1/deployments/prices/drift"));
    assertThat(drift.get("drifted").intValue()).isEqualTo(2);
    JsonNode first = drift.at("/traits/0");
    assertThat(first.get("drifted").booleanValue()).isTrue();
    assertThat(first.get("test").textValue()).isEqualTo("kolmogorov_smirnov");
    assertThat(first.get("rows").intValue()).isEqualTo(1_000);
    // Seven of ten rows are moved by four deviations: nearly all of them beyond all of the others.
    assertThat(first.get("statistic").doubleValue()).isBetween(0.6, 0.75);
    JsonNode window = json(client.get("/v1/deployments/prices/window"));
    assertThat(window.get("answered").intValue()).isEqualTo(2);
    assertThat(window.get("rows").intValue()).isEqualTo(1_000);
    assertThat(window.at("/errors/failure").intValue()).isZero();
    assertThat(window.has("satisfaction")).isFalse();
  }

  @Test
  void keepsWhatIsSaidWithConsentOnlyAndErasesIt() throws Exception {
    String first = predictedId(70);
    JsonNode corrected =
        json(
            client.post(
                FEEDBACK,
                "{\"answer\":\""
                    + first
                    + "\",\"opinion\":\"corrected\",\"right\":320,\"consent\":true,"
                    + "\"subject\":\"user-17\"}"));
    assertThat(corrected.get("kept").booleanValue()).isTrue();
    JsonNode batch = askAboutAreasAround(50, 2);
    JsonNode accepted =
        json(
            client.post(
                FEEDBACK,
                "{\"answer\":"
                    + batch.at("/results/1/id")
                    + ",\"opinion\":\"accepted\",\"consent\":false}"));
    assertThat(accepted.get("kept").booleanValue()).isFalse();
    json(
        client.post(
            FEEDBACK,
            "{\"answer\":"
                + batch.at("/results/0/id")
                + ",\"opinion\":\"rated\",\"stars\":3,\"consent\":true,\"subject\":\"user-3\"}"));

    assertThat(kept()).extracting(FeedbackEntry::subject).containsExactly("user-17", "user-3");
    FeedbackEntry entry = kept().get(0);
    assertThat(entry.row().cell("area")).isEqualTo(70.0);
    assertThat((Double) entry.predicted())
        .isCloseTo(310, org.assertj.core.api.Assertions.within(1e-3));
    assertThat(entry.opinion()).isEqualTo(new Opinion.Corrected(320.0));
    JsonNode window = json(client.get("/v1/deployments/prices/window"));
    assertThat(window.get("opinions").intValue()).isEqualTo(3);
    assertThat(window.get("satisfaction").doubleValue()).isEqualTo(0.5);

    JsonNode erased = json(client.post(FEEDBACK + "/erase", "{\"subject\":\"user-17\"}"));
    assertThat(erased.get("erased").intValue()).isEqualTo(1);
    assertThat(kept()).extracting(FeedbackEntry::subject).containsExactly("user-3");
    assertThat(json(client.post(FEEDBACK + "/erase", "{\"subject\":\"user-17\"}")).get("erased"))
        .hasToString("0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {'opinion':'accepted','consent':false}                                   | 'answer' must be a string
          {'answer':'ID','consent':false}                                          | 'opinion' must be a string
          {'answer':'ID','opinion':'great','consent':false}                        | 'opinion' must be accepted, rejected, corrected or rated, got 'great'
          {'answer':'ID','opinion':'rated','consent':false}                        | 'stars' must be a whole number from 1 to 5, got nothing
          {'answer':'ID','opinion':'rated','stars':6,'consent':false}              | 'stars' must be a whole number from 1 to 5
          {'answer':'ID','opinion':'rated','stars':2.5,'consent':false}            | 'stars' must be a whole number from 1 to 5
          {'answer':'ID','opinion':'corrected','consent':false}                    | 'right' must be a number
          {'answer':'ID','opinion':'corrected','right':'dear','consent':false}     | 'right' must be a number
          {'answer':'ID','opinion':'corrected','right':1e999,'consent':false}      | 'right' must be a number
          {'answer':'ID','opinion':'accepted'}                                     | 'consent' must be true, with the 'subject'
          {'answer':'ID','opinion':'accepted','consent':'yes'}                     | 'consent' must be true or false
          {'answer':'ID','opinion':'accepted','consent':true}                      | 'subject' must be a string
          {'answer':'ID','opinion':'accepted','consent':true,'subject':' '}        | 'subject' must not be blank
          {'answer':'ID','opinion':'accepted','consent':false,'subject':'user-17'} | Unknown field 'subject'
          {'answer':'ID','opinion':'accepted','stars':2,'consent':false}           | Unknown field 'stars'
          """)
  void whatCannotBeTakenIsNamed(String body, String reason) throws Exception {
    String sent = body.replace('\'', '"').replace("ID", predictedId(70));
    assertThat(detail(problem(client.post(FEEDBACK, sent), 422))).contains(reason);
    assertThat(live.monitor().window().opinions()).isZero();
    assertThat(kept()).isEmpty();
  }

  @Test
  void unknownAnswersAndModelsThatNobodyWatchesAre404() throws Exception {
    String body = "{\"answer\":\"nothing\",\"opinion\":\"accepted\",\"consent\":false}";
    assertThat(detail(problem(client.post(FEEDBACK, body), 404)))
        .contains("No answer 'nothing' of prices:", "Give feedback soon");
    String reason = "embedder:1 is not watched; the application that serves it can have it watched";
    for (String path : List.of("window", "drift")) {
      assertThat(detail(problem(client.get("/v1/deployments/embedder/" + path), 404)))
          .contains(reason);
    }
    for (String path : List.of("feedback", "feedback/erase")) {
      assertThat(detail(problem(client.post("/v1/models/embedder/" + path, body), 404)))
          .contains(reason);
      problem(client.post("/v1/models/nobody/" + path, body), 404);
    }
  }

  @Test
  void whoeverMayAskMaySayButOnlyWhoMayDeleteErases() throws Exception {
    ApiKeys keys = ApiKeys.inMemory();
    try (ModelServer closed =
        ModelServer.on(0).serve(live).access(ServerAccess.keys(keys)).start()) {
      String id = predictedId(70);
      String said = "{\"answer\":\"" + id + "\",\"opinion\":\"rejected\",\"consent\":false}";
      String erase = "{\"subject\":\"user-17\"}";
      Client reader = client(closed, keys, Permission.READ);
      Client updater = client(closed, keys, Permission.UPDATE);
      Client eraser = client(closed, keys, Permission.READ, Permission.DELETE);
      problem(new Client(closed.address()).post(FEEDBACK, said), 401);
      problem(updater.post(FEEDBACK, said), 403);
      problem(updater.get("/v1/deployments/prices/drift"), 403);
      assertThat(json(reader.post(FEEDBACK, said)).get("kept").booleanValue()).isFalse();
      assertThat(detail(problem(reader.post(FEEDBACK + "/erase", erase), 403)))
          .contains("'anna' is not good for 'delete'");
      assertThat(json(eraser.post(FEEDBACK + "/erase", erase)).get("erased")).hasToString("0");
    }
  }

  private static Client client(ModelServer server, ApiKeys keys, Permission... permissions) {
    ApiKeys.Issued key = keys.issue(new Principal("anna"), Set.of(permissions));
    return new Client(server.address()).with("X-Api-Key", key.secret().reveal());
  }

  @Test
  void textsCanBeSpokenOfByTheIdsOfEitherForm() throws Exception {
    try (var text = new Monitoring().checkEvery(Duration.ZERO).watch(new FakeText());
        ModelServer other = ModelServer.on(0).serve(text).start()) {
      Client asker = new Client(other.address());
      String own = "{\"prompt\":\"one two\"}";
      String said =
          asker.post("/v1/models/assistant/generate", own.replace("}", ",\"stream\":true}")).body();
      String last = said.substring(said.lastIndexOf("data: ") + "data: ".length());
      String chat =
          "{\"model\":\"assistant\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]}";
      String several = "{\"model\":\"assistant\",\"prompt\":[\"one\",\"two\"]}";
      List<String> ids =
          List.of(
              json(asker.post("/v1/models/assistant/generate", own)).get("id").textValue(),
              json(last).get("id").textValue(),
              json(asker.post("/v1/chat/completions", chat)).get("id").textValue(),
              json(asker.post("/v1/completions", several)).get("id").textValue() + "-1");
      for (String id : ids) {
        String body = "{\"answer\":\"" + id + "\",\"opinion\":\"accepted\",\"consent\":false}";
        HttpResponse<String> answer = asker.post("/v1/models/assistant:2/feedback", body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      }
      assertThat(ids).doesNotHaveDuplicates();
      assertThat(text.monitor().window().opinions()).isEqualTo(4);
      String drift = "/v1/deployments/assistant/drift";
      assertThat(detail(problem(asker.get(drift), 404))).contains("has no baseline");
      problem(asker.post("/v1/models/assistant/generate", "{\"prompt\":\"break\"}"), 500);
      JsonNode window = json(asker.get("/v1/deployments/assistant/window"));
      assertThat(window.at("/errors/failure").intValue()).isEqualTo(1);
    }
  }
}
