package io.athanor.deploy.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.BackendException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.Deployments;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.TextGenerator;
import io.athanor.model.text.ChatMessage;
import io.athanor.tck.fixture.TinyArtifacts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TextServingTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final GatedBackend backend = new GatedBackend();
  private final InProcess serving =
      Deployments.inProcess().backend(backend).maximumBatch(4).queueLimit(3);

  @AfterEach
  void release() {
    backend.permits.release(10_000);
    backend.close();
  }

  private static TextRequest request(String prompt, int tokens) {
    return TextRequest.of(prompt)
        .settings(GenerationSettings.builder().maxNewTokens(tokens).build());
  }

  private TextDeployment live() {
    return serving.text("tiny", TinyText.model());
  }

  /** Lets the engine work until an answer is there. */
  private void run() {
    backend.permits.release(10_000);
  }

  /** The answer of the model alone. */
  private String alone(TextRequest request) {
    try (TextGenerator generator = TextGenerator.of(TinyText.model(), backend)) {
      return generator.generate(request.prompt(), request.settings()).text();
    }
  }

  @Test
  void answersWithVersionTextTokensAndLatency() {
    try (TextDeployment live = live()) {
      List<String> pieces = new ArrayList<>();
      TextAnswer answer = live.generate(request("abc", 5), pieces::add);
      assertThat(answer.model()).isEqualTo("tiny");
      assertThat(answer.version()).isEqualTo(TinyText.model().weightsDigest().brief());
      assertThat(answer.text()).hasSize(5).isEqualTo(String.join("", pieces));
      assertThat(answer.generated().finish()).isEqualTo(FinishReason.LENGTH);
      assertThat(answer.generated().promptTokens()).isEqualTo(3);
      assertThat(answer.latency()).isPositive();
      assertThat(live.stats().answered()).isEqualTo(1);
      assertThat(live.stats().batches()).isEqualTo(5);
      assertThat(live.adapters()).isEmpty();
    }
  }

  @Test
  void requestsOfManyCallersEachGetWhatTheyGetAlone() {
    List<TextRequest> requests =
        IntStream.range(0, 3).mapToObj(i -> request("abcdef".substring(i), 4 + 3 * i)).toList();
    List<String> expected = requests.stream().map(this::alone).toList();
    try (TextDeployment live = live()) {
      backend.gated = true;
      List<CompletableFuture<TextAnswer>> answers =
          requests.stream().map(r -> live.generateAsync(r, piece -> true)).toList();
      run();
      for (int i = 0; i < requests.size(); i++) {
        assertThat(answers.get(i)).succeedsWithin(SOON);
        assertThat(answers.get(i).join().text()).isEqualTo(expected.get(i));
      }
      assertThat(live.stats().largestBatch()).isGreaterThan(1);
    }
  }

  @Test
  void laterRequestJoinsALongOneAndIsAnsweredBeforeIt() throws Exception {
    String expected = alone(request("z", 2));
    try (TextDeployment live = live()) {
      backend.gated = true;
      CompletableFuture<TextAnswer> lengthy = live.generateAsync(request("abc", 40), piece -> true);
      assertThat(backend.awaitPass()).isEqualTo(1);
      CompletableFuture<TextAnswer> brief = live.generateAsync(request("z", 2), piece -> true);
      int passes = 0;
      while (!brief.isDone()) {
        backend.permits.release();
        assertThat(++passes).isLessThan(20);
        backend.awaitPass();
      }
      assertThat(brief.join().text()).isEqualTo(expected);
      assertThat(lengthy).isNotDone();
      run();
      assertThat(lengthy).succeedsWithin(SOON);
      assertThat(lengthy.join().text()).isEqualTo(alone(request("abc", 40)));
    }
  }

  @Test
  void drawnTextDependsOnItsSeedAlone() {
    GenerationSettings drawn =
        GenerationSettings.builder().maxNewTokens(12).temperature(1).seed(9).build();
    try (TextDeployment live = live()) {
      TextRequest request = TextRequest.of("abc").settings(drawn);
      String once = live.generate(request).text();
      CompletableFuture<TextAnswer> other = live.generateAsync(request("b", 30), piece -> true);
      assertThat(live.generate(request).text()).isEqualTo(once);
      assertThat(other).succeedsWithin(SOON);
    }
  }

  @Test
  void listenerEndsItsOwnRequest() {
    try (TextDeployment live = live()) {
      CompletableFuture<TextAnswer> other = live.generateAsync(request("b", 30), piece -> true);
      TextAnswer cut = live.generate(request("abc", 30), piece -> false);
      assertThat(cut.generated().finish()).isEqualTo(FinishReason.CANCELLED);
      assertThat(cut.text()).hasSize(1);
      assertThat(other).succeedsWithin(SOON);
      assertThat(other.join().text()).hasSize(30);
    }
  }

  @Test
  void listenerThatThrowsFailsItsOwnRequestOnly() {
    IllegalStateException broken = new IllegalStateException("the reader is gone");
    try (TextDeployment live = live()) {
      CompletableFuture<TextAnswer> other = live.generateAsync(request("b", 30), piece -> true);
      assertThatThrownBy(
              () ->
                  live.generate(
                      request("abc", 30),
                      piece -> {
                        throw broken;
                      }))
          .isSameAs(broken);
      assertThat(other).succeedsWithin(SOON);
      assertThat(live.stats().failed()).isEqualTo(1);
    }
  }

  @Test
  void cancelledFutureEndsTheGeneration() throws Exception {
    try (TextDeployment live = live()) {
      backend.gated = true;
      CompletableFuture<TextAnswer> unwanted =
          live.generateAsync(request("abc", 150), piece -> true);
      CompletableFuture<TextAnswer> wanted = live.generateAsync(request("b", 40), piece -> true);
      assertThat(backend.awaitPass()).isPositive();
      unwanted.cancel(false);
      run();
      assertThat(wanted).succeedsWithin(SOON);
      assertThat(live.stats().batches()).isLessThan(100);
    }
  }

  @Test
  void callThatTakesTooLongIsGivenUp() {
    try (TextDeployment live = serving.timeout(Duration.ofMillis(50)).text("t", TinyText.model())) {
      backend.gated = true;
      assertThatThrownBy(() -> live.generate(request("abc", 10)))
          .isInstanceOfSatisfying(BackendException.class, e -> assertThat(e.retryable()).isTrue())
          .hasMessageContaining("gave no answer within PT0.05S");
      assertThat(live.stats().failed()).isEqualTo(1);
      run();
    }
  }

  @Test
  void fullQueueRefusesAndSaysThatARetryMakesSense() throws Exception {
    try (TextDeployment live = serving.maximumBatch(1).text("tiny", TinyText.model())) {
      backend.gated = true;
      live.generateAsync(request("a", 2), piece -> true);
      backend.awaitPass();
      for (int i = 0; i < 3; i++) {
        live.generateAsync(request("a", 2), piece -> true);
      }
      assertThatThrownBy(() -> live.generateAsync(request("a", 2), piece -> true))
          .isInstanceOfSatisfying(BackendException.class, e -> assertThat(e.retryable()).isTrue())
          .hasMessageContaining("3 requests wait for tiny:")
          .hasMessageContaining("its queue limit is 3");
      assertThat(live.stats().refused()).isEqualTo(1);
      assertThat(live.stats().waiting()).isEqualTo(3);
      run();
    }
  }

  @Test
  void engineThatFailsMidwayFailsThoseItWorkedOnAndGoesOn() throws Exception {
    String expected = alone(request("abc", 4));
    try (TextDeployment live = live()) {
      backend.gated = true;
      CompletableFuture<TextAnswer> first = live.generateAsync(request("abc", 50), piece -> true);
      backend.permits.release(3);
      for (int i = 0; i < 4; i++) {
        backend.awaitPass();
      }
      backend.nextFailure = new IllegalStateException("the device is gone");
      run();
      assertThat(first)
          .failsWithin(SOON)
          .withThrowableThat()
          .havingCause()
          .isInstanceOf(BackendException.class)
          .withMessageContaining("Backend 'gated'")
          .withMessageContaining("the device is gone");
      assertThat(live.generate(request("abc", 4)).text()).isEqualTo(expected);
    }
  }

  @Test
  void promptThatFillsTheContextIsRefusedBeforeItQueues() {
    try (TextDeployment live = live()) {
      long before = live.stats().batches();
      assertThatThrownBy(() -> live.generateAsync(request("a".repeat(200), 2), piece -> true))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("has 200 tokens, and the model's context is 200");
      assertThat(live.stats().batches()).isEqualTo(before);
    }
  }

  @Test
  void conversationGoesThroughTheTemplateOfTheModel() {
    TextRequest chat =
        TextRequest.chat(ChatMessage.user("abc"))
            .settings(GenerationSettings.builder().maxNewTokens(4).build());
    try (TextDeployment live =
            serving.text("tiny", TinyText.model(3, Optional.of(TinyText.TEMPLATE)));
        TextDeployment plain = live()) {
      assertThat(live.generate(chat).text()).isEqualTo(alone(request("abc", 4)));
      assertThatThrownBy(() -> plain.generate(chat))
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("has no chat template");
    }
  }

  @Test
  void modelWithoutAdaptersKnowsNone() {
    try (TextDeployment live = live()) {
      assertThatThrownBy(() -> live.generate(request("abc", 4).adapter("polite:2")))
          .isInstanceOf(NotFoundException.class)
          .hasMessageContaining("No adapter 'polite:2'; there is none")
          .hasMessageContaining("AdapterCatalog");
    }
  }

  @Test
  void closingFinishesWhatIsInTheMakingAndRefusesMore() throws Exception {
    TextDeployment live = live();
    backend.gated = true;
    CompletableFuture<TextAnswer> answer = live.generateAsync(request("abc", 20), piece -> true);
    backend.awaitPass();
    run();
    live.close();
    live.close();
    assertThat(answer).isCompleted();
    assertThat(backend.freed.getCount()).isZero();
    assertThatThrownBy(() -> live.generate(request("abc", 2)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is closed");
  }

  @Test
  void closingDoesNotHangOnAnEngineThatHangs() throws Exception {
    TextDeployment live = serving.timeout(Duration.ofMillis(20)).text("tiny", TinyText.model());
    backend.gated = true;
    CompletableFuture<TextAnswer> answer = live.generateAsync(request("abc", 20), piece -> true);
    backend.awaitPass();
    live.close();
    assertThat(answer).isCompletedExceptionally();
    assertThat(backend.freed.getCount()).isEqualTo(1);
    run();
    assertThat(backend.freed.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void modelThatSaysNoTextIsRefused() {
    assertThatThrownBy(() -> serving.text("spam", TinyArtifacts.spam()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("says no text");
  }
}
