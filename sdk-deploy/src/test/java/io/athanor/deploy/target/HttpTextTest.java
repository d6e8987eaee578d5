package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Secret;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.InProcess;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.Watermark;
import io.athanor.model.text.ChatMessage;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Language models that live in another server are asked like those that live here. */
@Timeout(120)
class HttpTextTest {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final TextRequest PROMPT =
      TextRequest.of("win a").settings(GenerationSettings.builder().maxNewTokens(12).build());

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<Duration> pauses = new ArrayList<>();
  private FakeAthanor server;
  private TextDeployment here;

  private TextDeployment serve() {
    here = new InProcess().backend(backend).text("helper", ChatModels.chat(1));
    server = new FakeAthanor(here);
    open.add(server);
    open.add(here);
    return opened(target().text(here.model()));
  }

  private <C extends AutoCloseable> C opened(C one) {
    open.add(0, one);
    return one;
  }

  private HttpTarget target() {
    return HttpTarget.at(server.address())
        .retries(FakeServer.hasty(pauses).silence(Duration.ofSeconds(10)));
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : open) {
      one.close();
    }
    backend.close();
  }

  @Test
  void saysTheSameTextsAsHere() throws Exception {
    TextDeployment there = serve();
    GenerationSettings.Builder some = GenerationSettings.builder().maxNewTokens(12);
    TextRequest drawn = PROMPT.settings(some.temperature(0.9).topK(20).topP(0.95).seed(7).build());
    String told = here.generate(PROMPT).text();
    TextRequest stopped =
        PROMPT.settings(
            GenerationSettings.builder().stopAt(told.substring(2, 4)).maxNewTokens(12).build());

    GoldenTranscript.ofTexts(
            here,
            List.of(
                PROMPT,
                stopped,
                TextRequest.chat(List.of(ChatMessage.user("meet"))).settings(PROMPT.settings())))
        .require(there);

    List<String> pieces = new ArrayList<>();
    TextAnswer answer = there.generate(PROMPT, pieces::add);
    assertThat(String.join("", pieces)).isEqualTo(answer.text()).isEqualTo(told);
    assertThat(answer.model()).isEqualTo("helper");
    assertThat(answer.version()).isEqualTo(here.model().version());
    assertThat(answer.generated().finish()).isEqualTo(FinishReason.LENGTH);
    assertThat(answer.generated().promptTokens()).isPositive();
    assertThat(answer.latency()).isGreaterThanOrEqualTo(answer.generated().timeToFirstToken());
    assertThat(there.generate(stopped).generated().finish()).isEqualTo(FinishReason.STOP_STRING);
    assertThat(there.generateAsync(drawn, piece -> true).get(60, TimeUnit.SECONDS).text())
        .isEqualTo(here.generate(drawn).text());
    assertThat(there.stats().answered()).isEqualTo(6);
  }

  @Test
  void aListenerThatWantsNoMoreClosesTheConnection() throws Exception {
    TextDeployment there = serve();
    server.sayForever(FakeAthanor.event("piece", JSON.objectNode().put("text", "more ")));

    TextAnswer answer = there.generate(PROMPT, piece -> false);

    assertThat(answer.text()).isEqualTo("more ");
    assertThat(answer.generated().finish()).isEqualTo(FinishReason.CANCELLED);
    server.awaitLeft();
  }

  @Test
  void cancellingClosesTheConnectionBeforeThereIsAPiece() throws Exception {
    TextDeployment there = serve();
    CountDownLatch arrived = new CountDownLatch(1);
    server.before("POST", arrived::countDown);
    server.sayForever(":\n\n");
    CompletableFuture<TextAnswer> answer = there.generateAsync(PROMPT, piece -> true);
    assertThat(arrived.await(30, TimeUnit.SECONDS)).isTrue();

    answer.cancel(false);

    server.awaitLeft();
  }

  @Test
  void anAnswerThatTakesTooLongIsGivenUp() throws Exception {
    serve();
    server.sayForever(":\n\n");
    RemoteServer remote =
        new RemoteServer(
            HttpTarget.PRODUCT, server.address(), Optional.empty(), FakeServer.hasty(pauses));
    JsonFields facts =
        JsonFields.parse("facts", JSON.objectNode().set("adapters", JSON.arrayNode()).toString());
    HttpText there =
        opened(new HttpText(new RemoteModel(remote, here.model(), Duration.ofMillis(200)), facts));

    assertThatThrownBy(() -> there.generate(PROMPT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("no whole answer within PT0.2S");

    assertThat(pauses).isEmpty();
    assertThat(there.stats().failed()).isEqualTo(1);
  }

  @Test
  void aBusyServerIsAskedAgainWhenItWantsToBe() {
    TextDeployment there = serve();
    server.busy("POST", 2);
    assertThat(there.generate(PROMPT).text()).isEqualTo(here.generate(PROMPT).text());
    assertThat(pauses).containsExactly(Duration.ofSeconds(2));
    server.busy("POST", 3_600);
    assertThatThrownBy(() -> there.generate(PROMPT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("answered 429")
        .satisfies(e -> assertThat(((AthanorException) e).retryable()).isTrue());
  }

  @Test
  void whatTheServerSaysAboutAPromptIsPassedOn() {
    TextDeployment there = serve();
    TextRequest much = TextRequest.of("win a prize at noon ".repeat(100));
    String said = "";
    try {
      here.generate(much);
    } catch (ValidationException e) {
      said = e.problems().get(0);
    }
    String reason = said;
    assertThat(reason).isNotEmpty();
    assertThatThrownBy(() -> there.generate(much))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(reason);
    assertThatThrownBy(() -> there.generateAsync(much, piece -> true).get(60, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(ValidationException.class);
    assertThat(pauses).isEmpty();
  }

  @Test
  void anAnswerThatIsCutOffIsNotTakenForAWholeOne() {
    TextDeployment there = serve();
    server.breakOff("POST", 60);
    assertThatThrownBy(() -> there.generate(PROMPT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("cut the connection")
        .satisfies(e -> assertThat(((AthanorException) e).retryable()).isTrue());
    server.instead("POST", 200, Map.of(), piece("so far"));
    assertThatThrownBy(() -> there.generate(PROMPT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("the answer was cut off; ask again");
    assertThat(server.requests("POST")).hasSize(2);
    server.cut("POST", 3);
    assertThat(there.generate(PROMPT).text()).isEqualTo(here.generate(PROMPT).text());
  }

  private static String piece(String text) {
    return FakeAthanor.event("piece", JSON.objectNode().put("text", text));
  }

  @Test
  void aFailureInTheMiddleIsTheServersOwnWord() {
    TextDeployment there = serve();
    ObjectNode problem = JSON.objectNode().put("status", 503).put("detail", "The model is tired");
    server.instead("POST", 200, Map.of(), piece("so ") + FakeAthanor.event("error", problem));
    List<String> pieces = new ArrayList<>();
    assertThatThrownBy(() -> there.generate(PROMPT, pieces::add))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("answered 503, 'The model is tired'");
    assertThat(pieces).containsExactly("so ");
    assertThat(pauses).isEmpty();
  }

  @Test
  void whatIsNoAnswerOfOurServerIsSaid() {
    TextDeployment there = serve();
    server.instead("POST", 200, Map.of(), "<html>\n<body>Welcome</body></html>\n");
    assertThatThrownBy(() -> there.generate(PROMPT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("expected events of the Athanor server, got '<html>'");
    server.instead("POST", 200, Map.of(), "event: piece\ndata: {\"text\":\"so\n\n");
    assertThatThrownBy(() -> there.generate(PROMPT)).isInstanceOf(BackendException.class);
    server.instead("POST", 200, Map.of(), "event: end\ndata: {\"finish\":\"bored\"}\n\n");
    assertThatThrownBy(() -> there.generate(PROMPT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("'bored'");
    assertThat(there.stats().failed()).isEqualTo(3);
    assertThat(pauses).isEmpty();
  }

  @Test
  void aModelThatIsTakenAwayThereIsAFailureAndNoMistakeOfTheCaller() {
    TextDeployment there = serve();
    TextDeployment other =
        opened(new InProcess().backend(backend).text("helper", ChatModels.chat(2)));
    server.serve(other);
    assertThatThrownBy(() -> there.generate(PROMPT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("answered 404")
        .satisfies(e -> assertThat(((AthanorException) e).retryable()).isFalse());
    assertThat(there.stats().failed()).isEqualTo(1);
  }

  @Test
  void whatAListenerThrowsReachesTheCallerAsItIs() {
    TextDeployment there = serve();
    for (RuntimeException thrown :
        List.of(new IllegalStateException("full"), new StorageException("here", "full"))) {
      assertThatThrownBy(
              () ->
                  there.generate(
                      PROMPT,
                      piece -> {
                        throw thrown;
                      }))
          .isSameAs(thrown);
    }
    assertThat(server.requests("POST")).hasSize(2);
    assertThat(pauses).isEmpty();
  }

  @Test
  void aListenerMayCloseTheDeployment() throws Exception {
    TextDeployment there = serve();
    CompletableFuture<TextAnswer> answer =
        there.generateAsync(
            PROMPT,
            piece -> {
              there.close();
              return true;
            });
    assertThat(answer.get(60, TimeUnit.SECONDS).text()).isEqualTo(here.generate(PROMPT).text());
  }

  @Test
  void whatFollowsAnAnswerMayCloseTheDeployment() throws Exception {
    TextDeployment there = serve();
    CountDownLatch ready = new CountDownLatch(1);
    server.before(
        "POST",
        () -> {
          try {
            ready.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    CompletableFuture<Boolean> interrupted =
        there
            .generateAsync(PROMPT, piece -> true)
            .thenApply(
                answer -> {
                  there.close();
                  return Thread.currentThread().isInterrupted();
                });
    ready.countDown();
    assertThat(interrupted.get(60, TimeUnit.SECONDS)).isFalse();
  }

  @Test
  void whatTheServerCannotDoIsRefusedHere() {
    TextDeployment there = serve();
    assertThatThrownBy(
            () ->
                there.generate(PROMPT.settings(GenerationSettings.builder().likelihoods().build())))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("how likely");
    GenerationSettings marked =
        GenerationSettings.builder()
            .watermark(Watermark.keyed(Secret.of("0123456789abcdef")))
            .build();
    assertThatThrownBy(() -> there.generate(PROMPT.settings(marked)))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("watermark");
    assertThatThrownBy(() -> there.generate(PROMPT.adapter("polite:2")))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("adapter 'polite:2' of helper:");
    assertThat(server.requests("POST")).isEmpty();
    assertThat(there.adapters()).isEmpty();
    assertThatThrownBy(() -> target().embedding(here.model()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("gives no vectors");
  }

  @Test
  void closingFailsWhatHasNoAnswer() {
    serve();
    server.sayForever(":\n\n");
    TextDeployment there =
        target()
            .retries(FakeServer.hasty(pauses).silence(Duration.ofSeconds(2)))
            .text(here.model());
    CompletableFuture<TextAnswer> answer = there.generateAsync(PROMPT, piece -> true);

    there.close();

    assertThatThrownBy(() -> answer.get(60, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(BackendException.class);
    assertThatThrownBy(() -> there.generate(PROMPT)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> there.generateAsync(PROMPT, piece -> true))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void vectorsAreThoseFromHere() {
    EmbeddingDeployment local =
        new InProcess().backend(backend).embedding("finder", ChatModels.embedder());
    server = new FakeAthanor(local);
    open.add(server);
    open.add(local);
    EmbeddingDeployment there = opened(target().embedding(local.model()));

    GoldenTranscript.ofEmbeddings(local, List.of("win", "a prize", "noon")).require(there);

    assertThat(there.dimensions()).isEqualTo(4);
    assertThat(there.embed(List.of()).vectors()).isEmpty();
    assertThat(there.embed(List.of("win", "noon")).tokens())
        .isEqualTo(local.embed(List.of("win", "noon")).tokens());
    int before = server.requests("POST").size();
    String page = "win a prize ".repeat(10_000);
    assertThat(there.embed(List.of(page, page, "noon", page)).vectors()).hasSize(4);
    assertThat(server.requests("POST")).hasSize(before + 2);
    assertThatThrownBy(() -> there.embed(List.of("win", "")))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("text 1 is empty");
    server.instead(
        "POST",
        200,
        Map.of(),
        "{\"model\":\"finder\",\"version\":\"1\",\"tokens\":1,\"vectors\":[[1,2]]}");
    assertThatThrownBy(() -> there.embed(List.of("win")))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("vectors[0]: expected 4 numbers");
    server.instead(
        "POST",
        200,
        Map.of(),
        "{\"model\":\"finder\",\"version\":\"1\",\"tokens\":1,\"vectors\":[[1,2,3,\"x\"]]}");
    assertThatThrownBy(() -> there.embed(List.of("win")))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("expected numbers, got string");
    server.instead(
        "POST",
        200,
        Map.of(),
        "{\"model\":\"finder\",\"version\":\"1\",\"tokens\":1,\"vectors\":[]}");
    assertThatThrownBy(() -> there.embed(List.of("win")))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("expected 1 vectors, got 0");
    server.busy("POST", 1);
    assertThat(there.embed(List.of("win")).vectors()).hasSize(1);
    assertThatThrownBy(() -> target().text(local.model()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("says no text");
    there.close();
    assertThatThrownBy(() -> there.embed(List.of("win"))).isInstanceOf(IllegalStateException.class);
  }
}
