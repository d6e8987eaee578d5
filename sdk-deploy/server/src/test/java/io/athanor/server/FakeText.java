package io.athanor.server;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import io.athanor.model.generate.TokenLikelihood;
import io.athanor.tck.fixture.TinyArtifacts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;

/** Says the words of its last message or prompt again, as many as it may; remembers who asked. */
final class FakeText implements TextDeployment {
  private static final WordTokenizer WORDS =
      WordTokenizer.fit(List.of("one two three four five six"), 20, 1);

  final List<TextRequest> asked = new ArrayList<>();
  volatile Optional<RuntimeException> refusal = Optional.empty();
  volatile boolean endless;
  final CountDownLatch cancelled = new CountDownLatch(1);

  @Override
  public ServedModel model() {
    return new ServedModel(
        "assistant",
        "2",
        "tiny",
        TinyArtifacts.spam().weightsDigest(),
        new LanguageEncoding(
            new Task.Generation("text"), WORDS, 64, List.of(), Optional.of("{{ x }}"), Map.of()),
        Map.of());
  }

  @Override
  public List<String> adapters() {
    return List.of("polite:7");
  }

  @Override
  public TextAnswer generate(TextRequest request, Predicate<String> listener) {
    return generateAsync(request, listener).join();
  }

  @Override
  public CompletableFuture<TextAnswer> generateAsync(
      TextRequest request, Predicate<String> listener) {
    asked.add(request);
    refusal.ifPresent(
        problem -> {
          throw problem;
        });
    String text =
        request.messages().isEmpty()
            ? request.prompt()
            : request.messages().get(request.messages().size() - 1).content();
    if (text.equals("too long")) {
      throw new ValidationException("prompt", List.of("it fills the context"));
    }
    CompletableFuture<TextAnswer> answer = new CompletableFuture<>();
    new Thread(() -> say(text, request, listener, answer), "fake-text").start();
    return answer;
  }

  private static FinishReason finish(String text, boolean cut) {
    if (text.startsWith("filtered ")) {
      return FinishReason.FILTERED;
    }
    return cut ? FinishReason.LENGTH : FinishReason.END_TOKEN;
  }

  private void say(
      String text,
      TextRequest request,
      Predicate<String> listener,
      CompletableFuture<TextAnswer> answer) {
    if (text.equals("break")) {
      boolean unused = listener.test("so far");
      answer.completeExceptionally(new BackendException("fake", "secret of the engine"));
      return;
    }
    if (endless) {
      while (listener.test("more ") && !answer.isDone()) {
        Thread.onSpinWait();
      }
      cancelled.countDown();
      return;
    }
    String[] words = text.split(" ");
    int count = Math.min(words.length, request.settings().maxNewTokens());
    StringBuilder said = new StringBuilder();
    List<Integer> ids = new ArrayList<>();
    List<TokenLikelihood> likelihoods = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String piece = (i == 0 ? "" : " ") + words[i];
      said.append(piece);
      int id = WORDS.id(words[i]).orElse(1);
      ids.add(id);
      if (request.settings().likelihoods()) {
        likelihoods.add(
            new TokenLikelihood(
                id,
                -0.25 * (i + 1),
                request.settings().alternatives() == 0
                    ? List.of()
                    : List.of(new TokenLikelihood.Alternative(id, -0.25 * (i + 1)))));
      }
      if (!listener.test(piece)) {
        break;
      }
    }
    Generated generated =
        new Generated(
            said.toString(),
            ids,
            finish(text, count < words.length),
            likelihoods,
            5,
            Duration.ofMillis(3),
            100);
    answer.complete(
        new TextAnswer(
            request.adapter().isPresent() ? "polite" : "assistant",
            request.adapter().isPresent() ? "7" : "2",
            generated,
            Duration.ofMillis(9)));
  }

  @Override
  public DeploymentStats stats() {
    return new DeploymentStats(
        asked.size(), 0, 0, 0, 0, 0, Duration.ZERO, Duration.ZERO, Duration.ZERO);
  }

  @Override
  public void close() {}
}
