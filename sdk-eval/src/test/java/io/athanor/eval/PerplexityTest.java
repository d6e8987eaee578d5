package io.athanor.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** The next word depends on this one by a table, so every probability can be worked out by hand. */
class PerplexityTest {
  private static final Backend BACKEND =
      new ReferenceBackendProvider().open(BackendOptions.defaults());
  private static final WordTokenizer WORDS = WordTokenizer.fit(List.of("aa b", "aa"), 10, 1);
  private static final int A = WORDS.id("aa").orElseThrow();
  private static final int B = WORDS.id("b").orElseThrow();
  private static final int NONE = -100;

  @AfterAll
  static void close() {
    BACKEND.close();
  }

  @Test
  void measuresTheMeanOverTokensAndBytes() {
    // after a: a with logit ln 3, so 3 / 6; b 1 / 6. After b: all four alike.
    Batches texts = texts(List.of(row(0, A, A, B), row(1, B, A)));

    LanguageScore score = Perplexity.of(model(Math.log(3)), texts).on(BACKEND).run();

    double first = Math.log(2) + Math.log(6);
    double second = Math.log(4);
    assertThat(score.documents()).hasSize(2);
    assertThat(score.documents().get(0).nats()).isCloseTo(first, within(1e-5));
    assertThat(score.documents().get(0).tokens()).isEqualTo(2);
    assertThat(score.documents().get(0).bytes()).isEqualTo("aa b".length());
    assertThat(score.loss().value()).isCloseTo((first + second) / 3, within(1e-5));
    assertThat(score.perplexity().value()).isCloseTo(Math.cbrt(2 * 6 * 4), within(1e-4));
    assertThat(score.bitsPerByte().orElseThrow().value())
        .isCloseTo((first + second) / Math.log(2) / 6, within(1e-5));
    assertThat(score.loss().low()).isCloseTo(first / 2, within(1e-5));
    assertThat(score.loss().high()).isCloseTo(second, within(1e-5));
    assertThat(score)
        .asString()
        .startsWith("perplexity 3.6342 [3.4641, 4.0000], loss 1.2904")
        .endsWith("on 2 documents of 3 tokens");
  }

  @Test
  void putsThePartsOfADocumentTogetherWhateverTheBatchSize() {
    Batches texts = texts(List.of(row(0, A, A, B), row(0, B, A), row(1, A, A), row(2, B, B, A)));
    LanguageScore one = Perplexity.of(model(1), texts).on(BACKEND).batchSize(1).run();
    LanguageScore three = Perplexity.of(model(1), texts).on(BACKEND).batchSize(3).run();

    assertThat(one.documents()).hasSize(3);
    assertThat(one.documents().get(0).tokens()).isEqualTo(3);
    for (int i = 0; i < 3; i++) {
      assertThat(three.documents().get(i).nats())
          .isCloseTo(one.documents().get(i).nats(), within(1e-5));
    }
  }

  @Test
  void comparesTwoModelsDocumentByDocument() {
    List<int[]> rows =
        IntStream.range(0, 40)
            .mapToObj(i -> i % 2 == 0 ? row(i, A, A, B, A) : row(i, A, A))
            .toList();
    LanguageScore before = Perplexity.of(model(0), texts(rows)).on(BACKEND).run();
    LanguageScore after = Perplexity.of(model(1), texts(rows)).on(BACKEND).run();

    LanguageScore.Change change = after.against(before);

    double expected = after.loss().value() - before.loss().value();
    assertThat(change.difference().value()).isCloseTo(expected, within(1e-9));
    assertThat(change.unit()).isEqualTo("nats per token");
    assertThat(change.better()).isEqualTo(change.difference().high() < 0);
    assertThat(before.against(after).difference().value()).isCloseTo(-expected, within(1e-9));
    assertThat(after.against(after).difference())
        .satisfies(none -> assertThat(none.low()).isZero())
        .satisfies(none -> assertThat(none.high()).isZero());
  }

  @Test
  void refusesToCompareOnOtherDocuments() {
    LanguageScore one = Perplexity.of(model(0), texts(List.of(row(0, A, B)))).on(BACKEND).run();
    LanguageScore two = Perplexity.of(model(0), texts(List.of(row(0, A, B, A)))).on(BACKEND).run();

    assertThatThrownBy(() -> two.against(one))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("measure both on the same texts");
  }

  @Test
  void refusesWhatHasNoPerplexity() {
    assertThatThrownBy(() -> Perplexity.of(TinyArtifacts.spam(), texts(List.of(row(0, A, B)))))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("has no perplexity");
    assertThatThrownBy(Perplexity.of(model(0), texts(List.of(row(0, A)))).on(BACKEND)::run)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the texts have no token to foresee");
    assertThatThrownBy(
            Perplexity.of(model(Double.NaN), texts(List.of(row(0, A, B)))).on(BACKEND)::run)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the model gives text 0 the log-likelihood NaN");
    Batches packed =
        changed(
            texts(List.of(row(0, A, B))),
            LanguageEncoding.SEGMENTS,
            Tensor.ofLongs(new long[2], 1, 2));
    assertThatThrownBy(Perplexity.of(model(0), packed).on(BACKEND)::run)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("without packed()");
  }

  /** The logit of {@code a} after {@code a}; all others are 0. */
  private static ModelArtifact model(double logit) {
    LanguageEncoding encoding =
        new LanguageEncoding(
            new Task.Generation("text"), WORDS, 8, List.of(), Optional.empty(), Map.of());
    int size = WORDS.vocabularySize();
    GraphBuilder g = Graph.builder("table");
    TensorType ids = TensorType.i64(Dim.BATCH, Dim.SEQUENCE);
    Value logits = g.embedding("next", g.input(LanguageEncoding.TOKENS, ids), size, size, 1);
    Value target = g.target("target", ids);
    Graph graph = g.output("output", logits).loss(g.crossEntropy(logits, target)).build();
    float[] table = new float[size * size];
    table[A * size + A] = (float) logit;
    return new ModelArtifact(
        "table",
        Map.of(),
        graph,
        Weights.of(Map.of("next.weight", Tensor.ofFloats(table, size, size))),
        encoding,
        Map.of(),
        TinyArtifacts.spam().provenance());
  }

  /** The number of a document and its tokens. */
  private static int[] row(int... numberAndTokens) {
    return numberAndTokens;
  }

  private static Batches texts(List<int[]> rows) {
    return new Batches() {
      @Override
      public long rows() {
        return rows.size();
      }

      @Override
      public Stream open(BatchOrder order) {
        return stream(
            IntStream.range(0, (int) count(order.batchSize()))
                .mapToObj(
                    i ->
                        batch(
                            rows.subList(
                                i * order.batchSize(),
                                Math.min(rows.size(), (i + 1) * order.batchSize()))))
                .iterator());
      }
    };
  }

  private static Batches changed(Batches batches, String name, Tensor tensor) {
    return new Batches() {
      @Override
      public long rows() {
        return batches.rows();
      }

      @Override
      public Stream open(BatchOrder order) {
        Batch first = batches.open(order).next();
        Map<String, Tensor> tensors = new HashMap<>(first.tensors());
        tensors.put(name, tensor);
        return stream(List.of(new Batch(tensors, first.rows(), first.scored())).iterator());
      }
    };
  }

  private static Batches.Stream stream(Iterator<Batch> batches) {
    return new Batches.Stream() {
      @Override
      public boolean hasNext() {
        return batches.hasNext();
      }

      @Override
      public Batch next() {
        return batches.next();
      }

      @Override
      public void close() {
        // nothing is open
      }
    };
  }

  private static Batch batch(List<int[]> rows) {
    int length = rows.stream().mapToInt(row -> row.length - 1).max().orElseThrow();
    long[] tokens = new long[rows.size() * length];
    long[] targets = new long[rows.size() * length];
    long scored = 0;
    Arrays.fill(targets, NONE);
    for (int r = 0; r < rows.size(); r++) {
      int[] row = rows.get(r);
      for (int i = 1; i < row.length; i++) {
        tokens[r * length + i - 1] = row[i];
        if (i > 1) {
          targets[r * length + i - 2] = row[i];
          scored++;
        }
      }
    }
    return new Batch(
        Map.of(
            LanguageEncoding.TOKENS,
            Tensor.ofLongs(tokens, rows.size(), length),
            "target",
            Tensor.ofLongs(targets, rows.size(), length),
            Batch.EXAMPLE,
            Tensor.ofLongs(rows.stream().mapToLong(row -> row[0]).toArray(), rows.size())),
        rows.size(),
        scored);
  }
}
