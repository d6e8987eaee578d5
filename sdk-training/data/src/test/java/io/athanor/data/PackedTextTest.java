package io.athanor.data;

import static io.athanor.data.Texts.all;
import static io.athanor.data.Texts.batches;
import static io.athanor.data.Texts.longs;
import static io.athanor.data.Texts.shown;
import static io.athanor.data.Texts.tensor;
import static io.athanor.data.Texts.texts;
import static io.athanor.data.Texts.whole;
import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.LanguageEncoding;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PackedTextTest {
  private static final int CONTEXT = 24;

  @Test
  void putsTheLongestFirstAndEachWhereItLeavesLeastRoom() {
    TextSplit split =
        all(
            TextDataset.documents(texts("ab", "abcdef", "abcde", "abc", "a"), "text")
                .tokenizer(CharTokenizer.plain())
                .contextLength(10)
                .packed());

    Batch batch = whole(split.train());

    assertThat(split.packed()).isTrue();
    assertThat(shown(batch, LanguageEncoding.TOKENS))
        .containsExactly("abcdef$ab$", "abcde$abc$", "a$________");
    assertThat(shown(batch, "target")).containsExactly("bcdef$.b$.", "bcde$.bc$.", "$.........");
    assertThat(longs(batch, LanguageEncoding.POSITIONS).get(0))
        .containsExactly(0L, 1L, 2L, 3L, 4L, 5L, 6L, 0L, 1L, 2L);
    assertThat(longs(batch, LanguageEncoding.SEGMENTS).get(0))
        .containsExactly(1L, 1L, 1L, 1L, 1L, 1L, 1L, 2L, 2L, 2L);
    assertThat(longs(batch, LanguageEncoding.SEGMENTS).get(2))
        .containsExactly(1L, 1L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L);
    assertThat(split.provenance().steps().get(3).detail())
        .isEqualTo("by best fit in decreasing order: 5 sequences in 3 rows");
  }

  /** Cut apart at its segments, every row gives whole documents back and nothing else. */
  @Test
  void holdsEveryDocumentOnceAndNoTargetThatIsAnothersToken() {
    List<String> given = given(200);
    TextSplit split = packed(given);
    List<String> found = new ArrayList<>();
    long scored = 0;
    int rows = 0;

    for (Batch batch : batches(split.train(), BatchOrder.shuffled(4, 9, 2))) {
      scored += batch.scored();
      rows += batch.rows();
      assertThat(tensor(batch, LanguageEncoding.TOKENS).size(1)).isEqualTo(CONTEXT);
      for (int row = 0; row < batch.rows(); row++) {
        found.addAll(documents(batch, row));
      }
    }

    assertThat(found)
        .containsExactlyInAnyOrderElementsOf(given.stream().map(text -> text + "$").toList());
    assertThat(scored).isEqualTo(given.stream().mapToLong(String::length).sum());
    assertThat((long) rows).isEqualTo(split.train().rows());
    long tokens = given.stream().mapToLong(text -> text.length() + 1).sum();
    assertThat((double) tokens / (rows * CONTEXT)).isGreaterThan(0.97);
  }

  private static List<String> documents(Batch batch, int row) {
    String tokens = shown(batch, LanguageEncoding.TOKENS).get(row);
    String targets = shown(batch, "target").get(row);
    List<Long> segments = longs(batch, LanguageEncoding.SEGMENTS).get(row);
    List<Long> positions = longs(batch, LanguageEncoding.POSITIONS).get(row);
    List<String> documents = new ArrayList<>();
    for (int from = 0; from < CONTEXT && segments.get(from) != 0; ) {
      int to = from;
      while (to < CONTEXT && segments.get(to).equals(segments.get(from))) {
        assertThat(positions.get(to)).isEqualTo(to - from);
        to++;
      }
      assertThat(segments.get(from)).isEqualTo(documents.size() + 1);
      assertThat(targets.substring(from, to)).isEqualTo(tokens.substring(from + 1, to) + ".");
      documents.add(tokens.substring(from, to));
      from = to;
    }
    return documents;
  }

  @Test
  void goesOnFromAnyBatchAsIfItHadNeverStopped() {
    TextSplit split = packed(given(150));
    BatchOrder order = BatchOrder.shuffled(3, 5, 1);
    List<Batch> whole = batches(split.train(), order);

    assertThat(whole).hasSize((int) split.train().count(3)).hasSizeGreaterThan(10);
    assertThat(batches(split.train(), BatchOrder.shuffled(3, 5, 2))).isNotEqualTo(whole);
    for (int from : new int[] {0, 1, 5, whole.size() - 1, whole.size()}) {
      assertThat(batches(packed(given(150)).cacheBytes(0).train(), order.from(from)))
          .isEqualTo(whole.subList(from, whole.size()));
    }
  }

  private static TextSplit packed(List<String> given) {
    return all(
        TextDataset.documents(texts(given.toArray(String[]::new)), "text")
            .tokenizer(CharTokenizer.plain())
            .contextLength(CONTEXT)
            .packed());
  }

  private static List<String> given(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "abcdefghijklmnopqrstuvw".substring(0, 1 + i * 7 % 15) + i)
        .toList();
  }
}
