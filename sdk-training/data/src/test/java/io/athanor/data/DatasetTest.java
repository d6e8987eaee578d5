package io.athanor.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.Row;
import io.athanor.api.data.Schema;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import io.athanor.data.source.Csv;
import io.athanor.data.source.Records;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetTest {
  @TempDir Path folder;

  @Test
  void turnsACsvFileIntoTrainingDataAndTestRows() throws IOException {
    Path file = mails(100);

    Split mail = Dataset.from(Csv.of(file)).text("body").label("spam").split(0.8, 0.1, 0.1).seed(7);

    assertThat(mail.train().rows()).isEqualTo(80);
    assertThat(mail.validation().orElseThrow().rows()).isEqualTo(10);
    assertThat(mail.test().size()).isEqualTo(10);
    assertThat(mail.test().row(0).columns()).containsExactly("body", "spam");
    assertThat(mail.encoding().target())
        .isEqualTo(new TargetEncoder.Label("spam", List.of("no", "yes")));
    List<Batch> batches = all(mail.train(), BatchOrder.sequential(32));
    assertThat(batches).extracting(Batch::rows).containsExactly(32, 32, 16);
    assertThat(batches.get(0).tensors().keySet())
        .containsExactlyInAnyOrder("body", "body.mask", "target");
  }

  @Test
  void readsNothingBeforeItIsNeeded() {
    Split split =
        Dataset.from(Csv.of(folder.resolve("absent.csv")))
            .number("x")
            .label("y")
            .split(0.8, 0.1, 0.1)
            .seed(1);

    assertThatThrownBy(split::train).hasMessageContaining("there is no such file");
  }

  @Test
  void takesAllOtherColumnsAsNumbers() throws IOException {
    Path file = Files.writeString(folder.resolve("wide.csv"), "id,a,b,kind,y\n1,2,3,k,u\n");

    Dataset wide = Dataset.from(Csv.of(file)).category("kind").numbersExcept("id").label("y");

    assertThat(wide.schema())
        .isEqualTo(
            new Schema(
                List.of(
                    new Column("kind", ColumnType.CATEGORY),
                    new Column("a", ColumnType.NUMBER),
                    new Column("b", ColumnType.NUMBER)),
                Optional.of(new Column("y", ColumnType.CATEGORY))));
    assertThatThrownBy(() -> Dataset.from(Csv.of(file)).numbersExcept("ID").label("y").schema())
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No column 'ID'");
  }

  @Test
  void standardisesByMeanAndPopulationDeviationOfTheTrainingRows() {
    Split split =
        Dataset.from(
                Records.of(
                    List.of(2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0),
                    x -> Row.of(Map.of("x", x, "y", x * 2))))
            .number("x")
            .estimate("y")
            .split(1, 0, 0);

    assertThat(split.encoding().encoders()).containsExactly(new Encoder.Standardize("x", 5, 2));
    assertThat(split.encoding().target()).isEqualTo(new TargetEncoder.Quantity("y", 10, 4));
    Batch batch = all(split.train(), BatchOrder.sequential(8)).get(0);
    assertThat(batch.tensors().get("features"))
        .isEqualTo(Tensor.ofFloats(new float[] {-1.5f, -.5f, -.5f, -.5f, 0, 0, 1, 2}, 8, 1));
    assertThat(split.validation()).isEmpty();
    assertThatThrownBy(split::test)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("no test rows; give that part a share above 0");
  }

  @Test
  void listsTheColumnsThereAreWhenOneIsMissing() throws IOException {
    Path file = mails(10);

    assertThatThrownBy(() -> Dataset.from(Csv.of(file)).text("text").label("spam").rows())
        .isInstanceOf(NotFoundException.class)
        .hasMessage("No column 'text' in " + file + "; there is body, spam. Correct the name");
  }

  private Path mails(int rows) throws IOException {
    StringBuilder csv = new StringBuilder("body,spam\n");
    for (int i = 0; i < rows; i++) {
      csv.append(i % 2 == 0 ? "\"Hello, dear friend\",no\n" : "you won a prize,yes\n");
    }
    return Files.writeString(folder.resolve("mail.csv"), csv);
  }

  private static List<Batch> all(Batches batches, BatchOrder order) {
    List<Batch> all = new ArrayList<>();
    try (Batches.Stream stream = batches.open(order)) {
      stream.forEachRemaining(all::add);
    }
    return all;
  }
}
