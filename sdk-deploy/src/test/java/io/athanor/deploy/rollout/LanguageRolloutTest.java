package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** Texts and vectors go through the same router as rows. */
class LanguageRolloutTest {
  private final TestTime time = new TestTime();

  /** Says who it is, after as many pieces as it is told to get through. */
  private final class Speaker implements TextDeployment {
    final ScriptedModel inner;
    int pieces = 2;
    boolean failing;

    Speaker(int version) {
      this.inner = new ScriptedModel(version, time);
    }

    @Override
    public List<String> adapters() {
      return List.of();
    }

    @Override
    public TextAnswer generate(TextRequest request, Predicate<String> listener) {
      String text = "";
      for (int i = 0; i < pieces; i++) {
        text += model().version();
        if (!listener.test(model().version())) {
          break;
        }
      }
      if (failing) {
        throw new BackendException("scripted", "out of order");
      }
      return new TextAnswer("m", model().version(), generated(text), Duration.ZERO);
    }

    @Override
    public CompletableFuture<TextAnswer> generateAsync(
        TextRequest request, Predicate<String> listener) {
      try {
        return CompletableFuture.completedFuture(generate(request, listener));
      } catch (BackendException e) {
        return CompletableFuture.failedFuture(e);
      }
    }

    @Override
    public ServedModel model() {
      return inner.model();
    }

    @Override
    public DeploymentStats stats() {
      return inner.stats();
    }

    @Override
    public void close() {
      inner.close();
    }
  }

  private static Generated generated(String text) {
    return new Generated(text, List.of(), FinishReason.END_TOKEN, List.of(), 0, Duration.ZERO, 0);
  }

  private RolloutBuilder builder(Strategy strategy) {
    return Rollout.of("m", "production")
        .strategy(strategy)
        .clock(time)
        .nanoClock(time::nanos)
        .byHand(Runnable::run);
  }

  private RolloutTexts texts(Strategy strategy, Speaker champion, Speaker candidate) {
    RolloutTexts live = builder(strategy).begin(champion, candidate);
    live.rollout().tick();
    return live;
  }

  @Test
  void aTextThatNobodyHasHeardYetIsWrittenByTheChampion() {
    Speaker candidate = new Speaker(2);
    RolloutTexts live =
        texts(Strategy.blueGreen(Duration.ofHours(1), 0), new Speaker(1), candidate);
    List<String> heard = new ArrayList<>();
    assertThat(live.generate(TextRequest.of("hi"), heard::add).text()).isEqualTo("22");
    assertThat(heard).containsExactly("2", "2");
    heard.clear();
    candidate.failing = true;
    candidate.pieces = 0;
    assertThat(live.generate(TextRequest.of("hi"), heard::add).text()).isEqualTo("11");
    assertThat(live.generateAsync(TextRequest.of("hi"), heard::add).join().version())
        .isEqualTo("1");
    assertThat(heard).containsExactly("1", "1", "1", "1");
  }

  @Test
  void aTextOfWhichPiecesWereHeardIsNotMixedWithAnother() {
    Speaker candidate = new Speaker(2);
    candidate.failing = true;
    RolloutTexts live =
        texts(Strategy.blueGreen(Duration.ofHours(1), 0), new Speaker(1), candidate);
    List<String> heard = new ArrayList<>();
    assertThatThrownBy(() -> live.generate(TextRequest.of("hi"), heard::add))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("out of order");
    assertThat(live.generateAsync(TextRequest.of("hi"), heard::add)).isCompletedExceptionally();
    assertThat(heard).containsOnly("2");
    assertThat(live.rollout().traffic().candidate(Duration.ofSeconds(10)).failed()).isEqualTo(2);
  }

  @Test
  void aShadowWritesForNobodyButTheListener() {
    RolloutTexts live =
        texts(Strategy.shadow(1, Duration.ofHours(1), 0), new Speaker(1), new Speaker(2));
    List<String> heard = new ArrayList<>();
    List<String> pairs = new ArrayList<>();
    live.onCompared((key, one, other) -> pairs.add(one.text() + " " + other.text()));
    assertThat(live.forKey("ann").generate(TextRequest.of("hi"), heard::add).text())
        .isEqualTo("11");
    assertThat(heard).containsExactly("1", "1");
    assertThat(pairs).containsExactly("11 22");
  }

  /** Its vectors hold its version. */
  private final class Vectors implements EmbeddingDeployment {
    final ScriptedModel inner;
    boolean failing;

    Vectors(int version) {
      this.inner = new ScriptedModel(version, time);
    }

    @Override
    public int dimensions() {
      return 1;
    }

    @Override
    public EmbeddingAnswer embed(List<String> texts) {
      if (failing) {
        throw new BackendException("scripted", "out of order");
      }
      String version = model().version();
      float[] vector = {Float.parseFloat(version)};
      return new EmbeddingAnswer(
          "m", version, texts.stream().map(text -> vector).toList(), 1, Duration.ZERO);
    }

    @Override
    public ServedModel model() {
      return inner.model();
    }

    @Override
    public DeploymentStats stats() {
      return inner.stats();
    }

    @Override
    public void close() {
      inner.close();
    }
  }

  @Test
  void vectorsFallBackAsAWhole() {
    Vectors candidate = new Vectors(2);
    RolloutEmbeddings live =
        builder(Strategy.blueGreen(Duration.ofHours(1), 0)).begin(new Vectors(1), candidate);
    live.rollout().tick();
    assertThat(live.embed(List.of("a", "b")).version()).isEqualTo("2");
    candidate.failing = true;
    assertThat(live.embed(List.of("a", "b")).vectors())
        .extracting(v -> v[0])
        .containsExactly(1f, 1f);
    live.close();
  }
}
