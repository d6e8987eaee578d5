package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Secret;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.deploy.serve.InProcess;
import io.athanor.deploy.serve.InProcessDeployment;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A deployment that lives in another server is asked like one that lives here. */
@Timeout(60)
class HttpTargetTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  @TempDir Path home;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<Duration> pauses = new ArrayList<>();
  private FakeAthanor server;
  private InProcessDeployment here;

  private HttpDeployment serve(String name, ModelArtifact model) {
    here = new InProcess().backend(backend).deploy(name, model);
    server = new FakeAthanor(here);
    open.add(server);
    open.add(here);
    return target().deployment(here.model());
  }

  private HttpTarget target() {
    return HttpTarget.at(server.address()).retries(FakeServer.hasty(pauses));
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : open) {
      one.close();
    }
    backend.close();
  }

  @Test
  void saysWhatTheModelSaysHere() throws Exception {
    HttpDeployment there = serve("spam", TinyArtifacts.spam());
    List<Row> rows =
        List.of(Row.of("body", "you won a prize"), Row.of("body", "noon?"), Row.of(Map.of()));

    GoldenTranscript.ofRows(here, rows).require(there);

    assertThat(there.predict("won").label()).isEqualTo(here.predict("won").label());
    assertThat(there.predictAll(rows)).extracting(Answer::label).hasSize(3);
    assertThat(there.predictAll(List.of())).isEmpty();
    assertThat(there.predictAsync(rows.get(0)).get(30, TimeUnit.SECONDS).prediction())
        .isEqualTo(here.predict(rows.get(0)).prediction());
    assertThat(there.stats().answered()).isEqualTo(8);
    assertThat(there.stats().largestBatch()).isEqualTo(3);
    there.close();
    assertThatThrownBy(() -> there.predict("won")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void numbersCategoriesAndPicturesArriveAsTheyAre() {
    HttpDeployment sizes = serve("sizes", TinyArtifacts.sizes());
    Map<String, Object> cells = new HashMap<>(Map.of("size", 1e-17 / 3, "colour", "red"));
    assertThat(sizes.predict(cells).prediction()).isEqualTo(here.predict(cells).prediction());
    HttpDeployment scans = serve("scans", TinyArtifacts.scans());
    Row scan = Row.of("scan", Pixels.of(2, 2, 1, new byte[] {0, 1, (byte) 200, (byte) 255}));
    assertThat(scans.predict(scan).prediction()).isEqualTo(here.predict(scan).prediction());
    HttpDeployment prices = serve("prices", TinyArtifacts.prices());
    assertThat(prices.predict(Map.of("area", 70)).value()).isEqualTo(310);
  }

  @Test
  void badRowsAreRefusedHereAndNothingIsSent() {
    HttpDeployment there = serve("sizes", TinyArtifacts.sizes());
    int before = server.requests("").size();
    Row bad = Row.of(Map.of("size", 3, "colour", "mauve"));
    Row good = Row.of(Map.of("size", 3, "colour", "red"));

    assertThatThrownBy(() -> there.predict(bad))
        .isInstanceOf(FormatException.class)
        .satisfies(e -> assertThat(((FormatException) e).column()).isEqualTo("colour"));
    assertThatThrownBy(() -> there.predictAll(List.of(good, bad)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("row 1: ");
    assertThatThrownBy(() -> there.predict(Map.of("size", 3))).isInstanceOf(FormatException.class);
    assertThat(server.requests("")).hasSize(before);
  }

  @Test
  void passingFailuresAreRepeated() {
    HttpDeployment there = serve("prices", TinyArtifacts.prices());
    server.fail("POST", 500);
    server.busy("POST", 2);
    server.cut("POST", 3);

    assertThat(there.predict(Map.of("area", 70)).value()).isEqualTo(310);

    assertThat(pauses)
        .containsExactly(Duration.ofMillis(200), Duration.ofSeconds(2), Duration.ofMillis(800));
  }

  @Test
  void aServerThatStaysOverloadedIsAnEngineThatHasTooMuchToDo() {
    HttpDeployment there = serve("prices", TinyArtifacts.prices());
    for (int i = 0; i < 4; i++) {
      server.busy("POST", 1);
    }
    assertThatThrownBy(() -> there.predict(Map.of("area", 70)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("answered 429")
        .satisfies(e -> assertThat(((AthanorException) e).retryable()).isTrue());
    server.busy("POST", 3_600);
    assertThatThrownBy(() -> there.predict(Map.of("area", 70)))
        .isInstanceOf(BackendException.class);
    assertThat(server.requests("POST")).hasSize(5);
    assertThat(there.stats().failed()).isEqualTo(2);
  }

  @Test
  void anotherModelOrVersionThereIsNotTakenForThisOne() {
    serve("prices", TinyArtifacts.prices());
    try (InProcessDeployment other =
        new InProcess().backend(backend).deploy("prices", TinyArtifacts.sizes())) {
      assertThatThrownBy(() -> target().deployment(other.model()))
          .isInstanceOf(ConflictException.class)
          .hasMessageContaining("serves another 'prices': version ")
          .hasMessageContaining("weights sha256:");
    }
    try (InProcessDeployment unknown =
        new InProcess().backend(backend).deploy("unknown", TinyArtifacts.sizes())) {
      assertThatThrownBy(() -> target().deployment(unknown.model()))
          .isInstanceOf(NotFoundException.class);
    }
    server.fail("GET", 401);
    assertThatThrownBy(() -> target().deployment(here.model()))
        .isInstanceOf(AccessDeniedException.class);
    server.fail("GET", 302);
    assertThatThrownBy(() -> target().deployment(here.model()))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected an answer of the Athanor server, got");
  }

  @Test
  void aVersionThatIsDeployedThereLaterDoesNotAnswerForThisOne() {
    HttpDeployment there = serve("prices", TinyArtifacts.prices());
    assertThat(there.predict(Map.of("area", 70)).value()).isEqualTo(310);
    assertThat(server.requests("POST /v1/models/" + here.model() + "/predict")).hasSize(1);
    InProcessDeployment newer =
        new InProcess().backend(backend).deploy("prices", TinyArtifacts.sizes());
    open.add(newer);

    server.serve(newer);

    assertThatThrownBy(() -> there.predict(Map.of("area", 70)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("answered 404")
        .satisfies(e -> assertThat(((AthanorException) e).retryable()).isFalse());
    assertThat(there.stats().failed()).isEqualTo(1);
  }

  @Test
  void whatTheServerRefusesIsTheCallersMistakeAndNoFailure() {
    serve("spam", TinyArtifacts.spam());
    HttpDeployment there = target().token(Secret.of("sesame")).deployment(here.model());
    server.instead("POST", 422, Map.of(), "{\"detail\":\"sesame is odd\",\"column\":\"body\"}");
    assertThatThrownBy(() -> there.predict("won"))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("******** is odd");
    Row row = Row.of("body", "win ".repeat(25_000));
    server.instead("POST", 200, Map.of(), results("spam", 2));
    server.instead("POST", 422, Map.of(), "{\"errors\":[{\"index\":1,\"detail\":\"of sesame\"}]}");
    assertThatThrownBy(() -> there.predictAll(List.of(row, row, row, row)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("row 3: of ********");
    assertThat(there.stats().failed()).isZero();
    server.instead("POST", 200, Map.of(), "sesame");
    assertThatThrownBy(() -> there.predict("won"))
        .isInstanceOf(BackendException.class)
        .satisfies(e -> assertThat(e.toString()).doesNotContain("sesame"));
  }

  private static String results(String label, int count) {
    String one = "{\"label\":\"" + label + "\",\"confidence\":1,\"alternatives\":[]}";
    return "{\"model\":\"m\",\"version\":\"1\",\"results\":["
        + String.join(",", Collections.nCopies(count, one))
        + "]}";
  }

  @Test
  void answersAboutManyLabelsComeInSeveralParts() {
    serve("spam", TinyArtifacts.spam());
    List<String> labels = IntStream.range(0, 30_000).mapToObj(i -> "label-" + i).toList();
    FeatureEncoding known = here.model().features();
    ServedModel many =
        new ServedModel(
            "spam",
            here.model().version(),
            here.model().architecture(),
            here.model().weights(),
            new FeatureEncoding(
                known.encoders(), new TargetEncoder.Label("label", labels), known.tokenizer()),
            Map.of());
    HttpDeployment there = target().deployment(many);
    server.instead("POST", 200, Map.of(), results("label-7", 3));
    server.instead("POST", 200, Map.of(), results("label-8", 1));

    assertThat(there.predictAll(Collections.nCopies(4, Row.of("body", "win"))))
        .extracting(Answer::label)
        .containsExactly("label-7", "label-7", "label-7", "label-8");
  }

  @Test
  void aPauseThatDoesNotFitIntoTheTimeIsNotMade() {
    serve("prices", TinyArtifacts.prices());
    HttpDeployment there = target().timeout(Duration.ofSeconds(20)).deployment(here.model());
    server.busy("POST", 30);
    assertThatThrownBy(() -> there.predict(Map.of("area", 70)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("answered 429");
    assertThat(pauses).isEmpty();
    assertThat(server.requests("POST")).hasSize(1);
  }

  @Test
  void latencyBeginsWhenTheRowArrivesAndNotWhenAThreadTakesIt() throws Exception {
    HttpDeployment there = serve("prices", TinyArtifacts.prices());
    CountDownLatch arrived = new CountDownLatch(8);
    CountDownLatch released = new CountDownLatch(1);
    holdEach(arrived, released);
    Row row = Row.of("area", 70);
    for (int i = 0; i < 8; i++) {
      there.predictAsync(row);
    }
    CompletableFuture<Answer> ninth = there.predictAsync(row);
    long handedOver = System.nanoTime();
    assertThat(arrived.await(30, TimeUnit.SECONDS)).isTrue();
    Duration queued = Duration.ofNanos(System.nanoTime() - handedOver);

    released.countDown();

    assertThat(ninth.get(30, TimeUnit.SECONDS).latency()).isGreaterThan(queued);
    there.close();
    assertThat(there.stats().answered()).isEqualTo(9);
  }

  private void holdEach(CountDownLatch arrived, CountDownLatch released) {
    server.before(
        "POST",
        () -> {
          holdEach(arrived, released);
          arrived.countDown();
          try {
            released.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  @Test
  void aRegisteredVersionIsDeployedThere() throws IOException {
    Path folder = home.resolve("prices");
    ArtifactFolder.write(TinyArtifacts.prices(), folder);
    List<Manifest.Entry> files = new ArrayList<>();
    try (Stream<Path> list = Files.list(folder)) {
      for (Path file : list.sorted().toList()) {
        files.add(
            new Manifest.Entry(
                file.getFileName().toString(), Files.size(file), Digest.ofFile(file)));
      }
    }
    ModelVersion.Stamp today = ModelVersion.Stamp.of(Instant.EPOCH, new Principal("me"));
    ModelVersion version =
        ModelVersion.builder(new VersionId("prices", 3), today, new Manifest(files), () -> folder)
            .build();
    here = new InProcess().backend(backend).deploy(version);
    server = new FakeAthanor(here);
    open.add(server);
    open.add(here);
    assertThatThrownBy(() -> target().deploy(version)).isInstanceOf(NotFoundException.class);
    server.register(Digest.ofText("other files"));
    assertThatThrownBy(() -> target().deploy(version))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("has other files for prices:3");
    server.register(version.digest());
    assertThat(target().deploy(version))
        .isInstanceOfSatisfying(
            HttpDeployment.class,
            there -> assertThat(there.predict(Map.of("area", 70)).value()).isEqualTo(310));

    server.before("POST /v1/deployments?plan=true", this::loseAnswers);

    assertThat(target().deploy(version).model().version()).isEqualTo("3");
    assertThat(server.requests("POST /v1/deployments")).hasSize(9);
  }

  /** Of the deployment itself, not of its plan. */
  private void loseAnswers() {
    for (int i = 0; i < 4; i++) {
      server.lose("POST /v1/deployments");
    }
  }

  @Test
  void whatIsNoServerIsSaid() {
    assertThatThrownBy(() -> HttpTarget.at(URI.create("ftp://x")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("got 'ftp://x'");
    assertThatThrownBy(() -> HttpTarget.at(URI.create("http://me:secret@x")))
        .isInstanceOf(IllegalArgumentException.class)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("secret"));
    serve("prices", TinyArtifacts.prices());
    HttpTarget gone =
        HttpTarget.at(URI.create("http://127.0.0.1:1")).retries(FakeServer.hasty(pauses));
    assertThatThrownBy(() -> gone.deployment(here.model()))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("the Athanor server cannot be reached");
    assertThat(pauses).hasSize(3);
  }

  @Test
  void whatIsNoAnswerOfOurServerIsSaid() {
    HttpDeployment there = serve("prices", TinyArtifacts.prices());
    server.instead("POST", 200, Map.of(), "<html><body>Welcome</body></html>");
    assertThatThrownBy(() -> there.predict(Map.of("area", 70)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining(server.address().getHost())
        .hasMessageContaining("JSON");
    server.breakOff("POST", 10);
    assertThat(there.predict(Map.of("area", 70)).value()).isEqualTo(310);
    server.instead("POST", 200, Map.of(), "{\"model\":\"prices\",\"vers");
    assertThatThrownBy(() -> there.predict(Map.of("area", 70)))
        .isInstanceOf(BackendException.class);
    server.instead("POST", 200, Map.of(), "{\"model\":\"prices\",\"version\":\"1\"}");
    assertThatThrownBy(() -> there.predict(Map.of("area", 70)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("missing field 'value'");
    assertThat(there.stats().failed()).isEqualTo(3);
  }

  @Test
  void noOtherServerGetsTheToken() {
    serve("prices", TinyArtifacts.prices());
    try (FakeAthanor other = new FakeAthanor(here)) {
      HttpTarget known = target().token(Secret.of("sesame"));
      server.instead("GET", 307, Map.of("Location", other.address() + "/v1/models/prices"), "");
      assertThatThrownBy(() -> known.deployment(here.model()))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("answered 307")
          .satisfies(e -> assertThat(e.toString()).doesNotContain("sesame"));
      assertThat(other.requests("")).isEmpty();
      server.instead("GET", 403, Map.of(), "{\"detail\":\"sesame is no key of ours\"}");
      assertThatThrownBy(() -> known.deployment(here.model()))
          .isInstanceOf(AccessDeniedException.class)
          .hasMessageContaining("******** is no key of ours");
    }
  }

  @Test
  void manyLongRowsGoInSeveralRequests() {
    HttpDeployment there = serve("spam", TinyArtifacts.spam());
    Row row = Row.of("body", "win ".repeat(25_000));

    assertThat(there.predictAll(List.of(row, row, row, row, row))).hasSize(5);

    assertThat(server.requests("POST")).hasSize(3);
  }

  @Test
  void languageModelsAreOpenedOtherwise() {
    serve("prices", TinyArtifacts.prices());
    var text = new InProcess().backend(backend).text("helper", ChatModels.chat(1));
    open.add(text);
    assertThatThrownBy(() -> target().deployment(text.model()))
        .isInstanceOf(UnsupportedException.class);
  }
}
