package io.athanor.data;

import static io.athanor.data.Texts.all;
import static io.athanor.data.Texts.batches;
import static io.athanor.data.Texts.shown;
import static io.athanor.data.Texts.tensor;
import static io.athanor.data.Texts.texts;
import static io.athanor.data.Texts.whole;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.error.ValidationException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AdapterDataTest {
  private static final String TOKENS = LanguageEncoding.TOKENS;

  @Test
  void givesEveryAdapterAnEqualShareWithItsNumber() {
    AdapterData data = AdapterData.of(List.of(set("a", 2), set("long b", 2), set("c", 2)));

    Batch batch = batches(data.train(), BatchOrder.sequential(6)).get(0);

    assertThat(tensor(batch, LanguageEncoding.ADAPTER).longs()).containsExactly(0, 0, 1, 1, 2, 2);
    assertThat(data.adapters()).isEqualTo(3);
    assertThat(shown(batch, TOKENS))
        .containsExactly("a0$_____", "a1$_____", "long b0$", "long b1$", "c0$_____", "c1$_____");
    assertThat(shown(batch, "target"))
        .containsExactly("0$......", "1$......", "ong b0$.", "ong b1$.", "0$......", "1$......");
    assertThat(batch.scored()).isEqualTo(2 * 2 + 2 * 7 + 2 * 2);
    assertThat(batch.tensors().keySet())
        .containsExactlyInAnyOrder(TOKENS, "target", LanguageEncoding.ADAPTER);
  }

  @Test
  void beginsASmallerSetAgainAndSeesTheLargestOnceInAShuffledEpoch() {
    AdapterData data = AdapterData.of(List.of(set("a", 3), set("b", 10)));
    List<String> small = new ArrayList<>();
    List<String> large = new ArrayList<>();

    assertThat(data.train().count(2)).isEqualTo(10);
    for (Batch batch : batches(data.train(), BatchOrder.shuffled(2, 4, 0))) {
      small.add(shown(batch, TOKENS).get(0));
      large.add(shown(batch, TOKENS).get(1));
    }

    assertThat(large).hasSize(10).doesNotHaveDuplicates();
    assertThat(small).hasSize(10);
    for (int from = 0; from < 9; from += 3) {
      assertThat(small.subList(from, from + 3)).containsExactlyInAnyOrder("a0$", "a1$", "a2$");
    }
    assertThat(whole(data.train()).rows()).isEqualTo(13);
  }

  @Test
  void goesOnFromAnyBatchAsIfItHadNeverStopped() {
    AdapterData data = AdapterData.of(List.of(set("a", 7), set("b", 20), set("c", 5)));
    for (int epoch = 0; epoch < 3; epoch++) {
      BatchOrder order = BatchOrder.shuffled(6, 8, epoch);
      List<Batch> whole = batches(data.train(), order);
      assertThat(whole).hasSize(10);
      for (int from = 0; from <= 10; from++) {
        assertThat(batches(data.train(), order.from(from))).isEqualTo(whole.subList(from, 10));
      }
    }
  }

  @Test
  void keepsPackedRowsAndTheirSegments() {
    TextDataset one = dataset("a", 4).contextLength(8).packed();
    TextDataset two = dataset("bb", 3).contextLength(8).packed();

    AdapterData data = AdapterData.of(List.of(all(one), all(two)));
    Batch batch = batches(data.train(), BatchOrder.sequential(2)).get(0);

    assertThat(data.packed()).isTrue();
    assertThat(shown(batch, TOKENS)).containsExactly("a0$a1$__", "bb0$bb1$");
    assertThat(tensor(batch, LanguageEncoding.SEGMENTS).longs())
        .containsExactly(1, 1, 1, 2, 2, 2, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2);
    assertThat(tensor(batch, LanguageEncoding.ADAPTER).longs()).containsExactly(0, 1);
  }

  @Test
  void namesTheAdapterOfEachStepInTheProvenance() {
    AdapterData data = AdapterData.of(List.of(set("a", 3), set("b", 10)));

    assertThat(data.provenance().rows()).isEqualTo(13);
    assertThat(data.provenance().splits()).containsEntry("train", 13L);
    assertThat(data.provenance().steps().get(0).name()).isEqualTo("adapter 0, select");
    assertThat(data.provenance().steps().get(5).name()).isEqualTo("adapter 1, tokenize");
  }

  @Test
  void refusesSetsThatCannotShareAModel() {
    AdapterData data =
        AdapterData.of(
            List.of(
                set("a", 2),
                all(dataset("b", 2).tokenizer(CharTokenizer.beginning()).contextLength(9).packed()),
                all(dataset("c", 2).endToken("!")),
                all(
                    TextDataset.pairs(texts("a"), "text", "text2")
                        .tokenizer(CharTokenizer.plain()))));

    assertThatThrownBy(data::train)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("data set 1 has another tokenizer than the first")
        .hasMessageContaining("data set 1 has another context length than the first")
        .hasMessageContaining("data set 1 is not packed as the first is")
        .hasMessageContaining("data set 2 has other end tokens than the first")
        .hasMessageContaining("data set 3 is for Embedding");
    AdapterData two = AdapterData.of(List.of(set("a", 2), set("b", 2)));
    assertThatThrownBy(() -> two.train().open(BatchOrder.sequential(3)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("every one of the 2 adapters gets an equal share");
  }

  private static TextSplit set(String text, int rows) {
    return all(dataset(text, rows));
  }

  private static TextDataset dataset(String text, int rows) {
    String[] given = IntStream.range(0, rows).mapToObj(i -> text + i).toArray(String[]::new);
    return TextDataset.documents(texts(given), "text").tokenizer(CharTokenizer.plain());
  }
}
