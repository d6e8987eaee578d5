package io.athanor.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Feature;
import io.athanor.api.data.Row;
import io.athanor.api.data.TrainingData;
import io.athanor.data.source.DataSource;
import io.athanor.data.source.RecordReader;
import io.athanor.data.source.Records;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Rows with text for a model that brings its own tokenizer. */
class ModelTokenizerTest {
  private static final List<Row> MAIL =
      IntStream.range(0, 10)
          .mapToObj(
              i ->
                  Row.of(Map.of("body", "mail no " + i, "size", i, "spam", i % 2 == 0 ? "y" : "n")))
          .toList();

  @Test
  void readsTextByTheGivenTokenizerInsteadOfAFittedOne() {
    Split mail =
        Dataset.from(Records.of(MAIL))
            .text("body")
            .label("spam")
            .maximumTokens(7)
            .split(0.8, 0.2, 0);

    TrainingData read = mail.tokenizedBy(CharTokenizer.beginning());

    assertThat(read.encoding().tokenizer()).contains(CharTokenizer.beginning());
    assertThat(read.encoding().task()).isEqualTo(mail.encoding().task());
    assertThat(read.encoding().signature().features())
        .containsExactly(new Feature.Tokens("body", 128, 7));
    Batch batch = Texts.batches(read.train(), BatchOrder.sequential(8)).get(0);
    assertThat(Texts.shown(batch, "body")).hasSize(8).containsOnly("^mail n");
    assertThat(Texts.tensor(batch, "target"))
        .isEqualTo(
            Texts.tensor(Texts.batches(mail.train(), BatchOrder.sequential(8)).get(0), "target"));
    assertThat(read.provenance().steps().get(2).detail())
        .startsWith("fitted on train, text read by tokenizer sha256:");
    assertThat(read.provenance().steps().get(2).fingerprint())
        .isNotEqualTo(mail.provenance().steps().get(2).fingerprint());
  }

  @Test
  void leavesRowsWithoutTextAsTheyAre() {
    Split sizes = Dataset.from(Records.of(MAIL)).number("size").label("spam").split(0.8, 0.2, 0);

    assertThat(sizes.tokenizedBy(CharTokenizer.plain())).isSameAs(sizes);
  }

  @Test
  void keepsTheLabelsOfAReusedEncoding() {
    Dataset dataset = Dataset.from(Records.of(MAIL)).text("body").label("spam");
    Split first = dataset.tokenizer(CharTokenizer.plain()).split(0.8, 0.2, 0);

    Split further =
        dataset.split(0.5, 0.5, 0).encodedBy(first.encoding()).tokenizedBy(CharTokenizer.plain());

    assertThat(further.encoding()).isEqualTo(first.encoding());
    assertThat(further.tokenizedBy(CharTokenizer.beginning()).encoding().task())
        .isEqualTo(first.encoding().task());
  }

  @Test
  void doesNotReadTheSourceAgain() {
    AtomicInteger passes = new AtomicInteger();
    Records records = Records.of(MAIL);
    DataSource counted =
        new DataSource() {
          @Override
          public String name() {
            return records.name();
          }

          @Override
          public RecordReader open() {
            passes.incrementAndGet();
            return records.open();
          }
        };
    Split mail = Dataset.from(counted).text("body").label("spam").split(0.8, 0.2, 0);
    mail.trainRows();
    int before = passes.get();

    Split read = mail.tokenizedBy(CharTokenizer.plain());
    read.trainRows();

    assertThat(before).isEqualTo(1);
    assertThat(passes).hasValue(before);
  }
}
