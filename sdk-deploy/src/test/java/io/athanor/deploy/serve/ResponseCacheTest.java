package io.athanor.deploy.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Secret;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.FormatException;
import io.athanor.deploy.Deployments;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.Watermark;
import io.athanor.model.text.ChatMessage;
import io.athanor.tck.fixture.TinyArtifacts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ResponseCacheTest {
  private final GatedBackend backend = new GatedBackend();
  private final InProcess serving = Deployments.inProcess().backend(backend);
  private final AtomicLong clock = new AtomicLong();
  private final ResponseCache cache =
      ResponseCache.of(1 << 20).nanoClock(() -> clock.addAndGet(1_000));

  @AfterEach
  void closeBackend() {
    backend.close();
  }

  private Deployment sizes() {
    return cache.over(serving.deploy("sizes", TinyArtifacts.sizes()));
  }

  private static Map<String, Object> cells(String first, Object one, String second, Object two) {
    Map<String, Object> cells = new LinkedHashMap<>();
    cells.put(first, one);
    cells.put(second, two);
    return cells;
  }

  @Test
  void rowIsPredictedOnceWhateverTheOrderOfItsCells() {
    try (Deployment live = sizes()) {
      Answer first = live.predict(cells("size", 20, "colour", "red"));
      Answer again = live.predict(cells("colour", "red", "size", 20.0));
      assertThat(again.prediction()).isEqualTo(first.prediction());
      assertThat(again.version()).isEqualTo(first.version());
      assertThat(again.latency()).isEqualTo(Duration.ofNanos(1_000));
      assertThat(live.predict(cells("size", 21, "colour", "red")).label()).isEqualTo("large");
      assertThat(live.stats().answered()).isEqualTo(2);
      assertThat(cache.counts()).isEqualTo(new ResponseCache.Counts(1, 2, 0, 2));
    }
  }

  @Test
  void missingColumnIsRefusedThoughARowWithoutTheCellIsKnown() {
    try (Deployment live = sizes()) {
      live.predict(Row.of("size", 20));
      assertThat(live.predict(Row.of("size", 20)).label()).isEqualTo("large");
      assertThatThrownBy(() -> live.predict(Map.of("size", 20)))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("column 'colour': missing");
      assertThat(live.stats().answered()).isEqualTo(1);
    }
  }

  @Test
  void cellThatNoModelTakesIsRefusedAsEver() {
    try (Deployment live = sizes()) {
      for (Object cell : List.of(Double.NaN, List.of(1))) {
        for (int i = 0; i < 2; i++) {
          assertThatThrownBy(() -> live.predict(cells("size", cell, "colour", "red")))
              .isInstanceOf(FormatException.class)
              .hasMessageContaining("size");
        }
      }
      assertThat(cache.counts().entries()).isZero();
    }
  }

  @Test
  void listIsAnsweredFromTheCacheIfAllOfItIsThere() {
    try (Deployment live = sizes()) {
      List<Row> rows = List.of(Row.of("size", 0), Row.of("size", 20));
      List<Answer> first = live.predictAll(rows);
      List<Answer> again = live.predictAll(rows);
      assertThat(again).extracting(Answer::label).containsExactly("small", "large");
      assertThat(again)
          .extracting(Answer::prediction)
          .isEqualTo(first.stream().map(Answer::prediction).toList());
      assertThat(live.predictAsync(rows.get(0))).isCompleted();
      assertThat(live.stats().answered()).isEqualTo(2);
    }
  }

  @Test
  void modelsDoNotShareAnswers() {
    try (Deployment one = cache.over(serving.deploy("one", TinyArtifacts.spam()));
        Deployment two = cache.over(serving.deploy("two", TinyArtifacts.spam()))) {
      one.predict("won prize");
      assertThat(two.predict("won prize").model()).isEqualTo("two");
      assertThat(one.predict("won prize").model()).isEqualTo("one");
      assertThat(cache.counts().hits()).isEqualTo(1);
    }
  }

  @Test
  void likeliestTextIsKeptAndHeardInOnePiece() {
    GenerationSettings six = GenerationSettings.builder().maxNewTokens(6).build();
    try (TextDeployment live = cache.over(serving.text("tiny", TinyText.model()))) {
      TextRequest request = TextRequest.of("abc").settings(six);
      TextAnswer first = live.generate(request);
      List<String> pieces = new ArrayList<>();
      TextAnswer again = live.generate(request, pieces::add);
      assertThat(again.generated()).isEqualTo(first.generated());
      assertThat(pieces).containsExactly(first.text());
      assertThat(live.generateAsync(request, piece -> true)).isCompleted();
      assertThat(live.stats().answered()).isEqualTo(1);
      live.generate(request.settings(six.toBuilder().maxNewTokens(7).build()));
      assertThat(live.stats().answered()).isEqualTo(2);
    }
  }

  @Test
  void drawnAndCutTextsAreNotKept() {
    try (TextDeployment live = cache.over(serving.text("tiny", TinyText.model()))) {
      GenerationSettings drawn =
          GenerationSettings.builder().maxNewTokens(6).temperature(1).build();
      for (int i = 0; i < 2; i++) {
        live.generate(TextRequest.of("abc").settings(drawn));
        live.generate(TextRequest.of("abc"), piece -> false);
      }
      assertThat(live.stats().answered()).isEqualTo(4);
      assertThat(cache.counts().entries()).isZero();
    }
  }

  @Test
  void markedTextIsNotGivenToWhoAsksForAnotherMarkOrNone() {
    GenerationSettings plain = GenerationSettings.builder().maxNewTokens(20).build();
    List<GenerationSettings> asked =
        List.of(
            plain,
            plain.toBuilder().watermark(mark("the first of two keys")).build(),
            plain.toBuilder().watermark(mark("the second of the keys")).build());
    List<String> texts = new ArrayList<>();
    try (TextDeployment live = cache.over(serving.text("tiny", TinyText.model()))) {
      asked.forEach(how -> texts.add(live.generate(TextRequest.of("abc").settings(how)).text()));
      assertThat(texts).doesNotHaveDuplicates();
      for (int i = 0; i < asked.size(); i++) {
        TextRequest again = TextRequest.of("abc").settings(asked.get(i));
        assertThat(live.generate(again).text()).isEqualTo(texts.get(i));
      }
      assertThat(live.stats().answered()).isEqualTo(5);
      assertThat(cache.counts()).isEqualTo(new ResponseCache.Counts(1, 1, 0, 1));
    }
  }

  private static Watermark mark(String key) {
    return Watermark.keyed(Secret.of(key)).strength(50);
  }

  @Test
  void eachSettingThatChangesAnAnswerIsPartOfItsKey() {
    TextRequest request = TextRequest.of("abc");
    GenerationSettings plain = request.settings();
    ServedModel model;
    try (TextDeployment live = serving.text("tiny", TinyText.model())) {
      model = live.model();
    }
    List<TextRequest> different =
        List.of(
            request,
            TextRequest.of("abd"),
            TextRequest.chat(ChatMessage.user("abc")),
            TextRequest.chat(ChatMessage.system("abc")),
            request.adapter("polite:1"),
            request.adapter("polite:2"),
            request.settings(plain.toBuilder().maxNewTokens(9).build()),
            request.settings(plain.toBuilder().repetitionPenalty(1.1).build()),
            request.settings(plain.toBuilder().stopAt("x").build()),
            request.settings(plain.toBuilder().stopAt("x").stopAt("y").build()),
            request.settings(plain.toBuilder().likelihoods().build()),
            request.settings(plain.toBuilder().alternatives(2).build()));
    assertThat(different.stream().map(one -> ResponseCache.key(model, one).orElseThrow()))
        .doesNotHaveDuplicates();
    GenerationSettings unused = plain.toBuilder().topK(3).topP(0.5).seed(9).build();
    assertThat(ResponseCache.key(model, request.settings(unused)))
        .isEqualTo(ResponseCache.key(model, request));
  }

  @Test
  void vectorsAreKeptAndACallersChangesAreNot() {
    try (EmbeddingDeployment live = cache.over(serving.embedding("tiny", TinyText.embedder()))) {
      float[] first = live.embed(List.of("abc", "d")).vectors().get(0);
      float[] original = first.clone();
      first[0] = 99;
      float[] second = live.embed(List.of("abc", "d")).vectors().get(0);
      assertThat(second).isEqualTo(original);
      second[0] = 99;
      assertThat(live.embed(List.of("abc", "d")).vectors().get(0)).isEqualTo(original);
      assertThat(live.stats().answered()).isEqualTo(2);
    }
  }

  @Test
  void oldAnswersMakeRoomWithinTheBudget() {
    ResponseCache small = ResponseCache.of(4_096);
    try (Deployment live = small.over(serving.deploy("sizes", TinyArtifacts.sizes()))) {
      for (int i = 0; i < 100; i++) {
        live.predict(Row.of("size", i));
      }
      ResponseCache.Counts counts = small.counts();
      assertThat(counts.entries()).isBetween(1L, 16L);
      assertThat(counts.evicted()).isEqualTo(100 - counts.entries());
    }
  }
}
