package io.athanor.deploy.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.BaselineSketch;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.Task;
import io.athanor.api.data.Trait;
import io.athanor.api.data.Trait.Aspect;
import io.athanor.api.data.Traits;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.deploy.serve.EmbeddingAnswer;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import io.athanor.model.text.ChatMessage;
import io.athanor.tck.fixture.TestClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MonitoredTextTest {
  private static final ServedModel MODEL =
      new ServedModel(
          "echo",
          "1",
          "by hand",
          Digest.ofText("weights"),
          new LanguageEncoding(
              new Task.Generation("text"),
              WordTokenizer.fit(List.of("say hello again", "hello world"), 16, 1),
              32,
              List.of(),
              Optional.empty(),
              Map.of()),
          Map.of());

  @TempDir Path folder;

  @Test
  void promptsInAForeignLanguageAreDrift() {
    MonitoredText live =
        settings().baseline(Optional.of(prompts("say hello world"))).watch(new Echo());
    for (int i = 0; i < 250; i++) {
      live.generate(TextRequest.of("sag hallo Welt"));
    }
    live.monitor().check();

    assertThat(live.monitor().drift().orElseThrow().drifted())
        .extracting(TraitDrift::trait)
        .contains(new Trait(Traits.TEXT, Aspect.UNKNOWN_TOKENS));
  }

  @Test
  void usualPromptsAreNoDrift() {
    MonitoredText live =
        settings().baseline(Optional.of(prompts("say hello world"))).watch(new Echo());
    for (int i = 0; i < 250; i++) {
      live.generateAsync(TextRequest.chat(ChatMessage.user("say hello world")), piece -> true);
    }
    live.monitor().check();

    assertThat(live.monitor().window().answered()).isEqualTo(250);
    assertThat(live.monitor().drift().orElseThrow().drifted()).isEmpty();
  }

  @Test
  void opinionsOfTextsAreKeptWithWhatWasAsked() {
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      MonitoredText live = settings().feedback(log).watch(new Echo());
      Asked<TextAnswer> prompt = live.ask(TextRequest.of("hello"));
      Asked<TextAnswer> chat = live.ask(TextRequest.chat(ChatMessage.user("who?")));
      live.monitor()
          .give(Feedback.of(prompt.id(), new Opinion.Corrected("bye")).withConsentOf("ann"));
      live.monitor().give(Feedback.of(chat.id(), new Opinion.Accepted()).withConsentOf("ann"));

      List<FeedbackEntry> kept = new ArrayList<>();
      log.forEach(kept::add);
      assertThat(kept)
          .extracting(FeedbackEntry::row)
          .containsExactly(
              Row.of(Traits.TEXT, "hello"),
              Row.of(MonitoredText.MESSAGES, "[{\"role\":\"user\",\"content\":\"who?\"}]"));
      assertThat(kept).extracting(FeedbackEntry::predicted).containsExactly("hello!", "who?!");
    }
  }

  @Test
  void failuresAreCountedAndHandedOn() {
    MonitoredText live = settings().watch(new Echo());

    assertThatThrownBy(() -> live.generate(TextRequest.of("fail")))
        .isInstanceOf(BackendException.class);
    assertThatThrownBy(() -> live.generateAsync(TextRequest.of("fail"), piece -> true))
        .isInstanceOf(BackendException.class);

    assertThat(live.monitor().window().errors()).containsOnly(Map.entry(ErrorKind.OVERLOAD, 2L));
  }

  @Test
  void vectorsThatMoveAreDrift() {
    Random random = new Random(5);
    List<float[]> before = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      before.add(vector(random, 0));
    }
    Trait embedding = new Trait(Traits.TEXT, Aspect.EMBEDDING);
    Baseline baseline = Baseline.EMPTY.with(embedding, EmbeddingBaseline.of(before));
    Embedder same = new Embedder(random, 0);
    Embedder moved = new Embedder(random, 1);

    assertThat(drifted(baseline, same)).isEmpty();
    assertThat(drifted(baseline, moved)).containsExactly(embedding);
  }

  private static List<Trait> drifted(Baseline baseline, EmbeddingDeployment deployment) {
    MonitoredEmbedding live = settings().baseline(Optional.of(baseline)).watch(deployment);
    for (int i = 0; i < 20; i++) {
      live.embed(java.util.Collections.nCopies(20, "hello"));
    }
    live.monitor().check();
    return live.monitor().drift().orElseThrow().drifted().stream().map(TraitDrift::trait).toList();
  }

  private static float[] vector(Random random, float mean) {
    float[] vector = new float[4];
    for (int i = 0; i < 4; i++) {
      vector[i] = (float) (mean + random.nextGaussian());
    }
    return vector;
  }

  private static Monitoring settings() {
    return new Monitoring().checkEvery(Duration.ZERO).clock(TestClock.standing());
  }

  private static Baseline prompts(String prompt) {
    Traits traits = Traits.of(MODEL.encoding());
    BaselineSketch sketch = new BaselineSketch();
    for (int i = 0; i < 500; i++) {
      traits.read(Row.of(Traits.TEXT, prompt), sketch);
    }
    return sketch.baseline();
  }

  private static final class Echo implements TextDeployment {
    @Override
    public List<String> adapters() {
      return List.of();
    }

    @Override
    public TextAnswer generate(TextRequest request, Predicate<String> listener) {
      String said =
          request.messages().isEmpty() ? request.prompt() : request.messages().get(0).content();
      if (said.equals("fail")) {
        throw new BackendException("test", "busy", true);
      }
      return new TextAnswer(
          "echo",
          "1",
          new Generated(said + "!", List.of(), FinishReason.LENGTH, List.of(), 1, Duration.ZERO, 0),
          Duration.ZERO);
    }

    @Override
    public CompletableFuture<TextAnswer> generateAsync(
        TextRequest request, Predicate<String> listener) {
      return CompletableFuture.completedFuture(generate(request, listener));
    }

    @Override
    public ServedModel model() {
      return MODEL;
    }

    @Override
    public DeploymentStats stats() {
      return new ScriptedDeployment().stats();
    }

    @Override
    public void close() {}
  }

  private record Embedder(Random random, float mean) implements EmbeddingDeployment {
    @Override
    public int dimensions() {
      return 4;
    }

    @Override
    public EmbeddingAnswer embed(List<String> texts) {
      List<float[]> vectors = texts.stream().map(text -> vector(random, mean)).toList();
      return new EmbeddingAnswer("echo", "1", vectors, texts.size(), Duration.ZERO);
    }

    @Override
    public ServedModel model() {
      return MODEL;
    }

    @Override
    public DeploymentStats stats() {
      return new ScriptedDeployment().stats();
    }

    @Override
    public void close() {}
  }
}
