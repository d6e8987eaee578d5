package io.athanor.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Row;
import io.athanor.api.data.Rows;
import io.athanor.api.error.StorageException;
import io.athanor.data.source.Csv;
import io.athanor.data.source.Records;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchesTest {
  @TempDir Path folder;

  @Test
  void givesEqualBatchesForEqualOrdersWhateverTheCacheHolds() {
    Batches cached = texts(500).train();
    Batches uncached = texts(500).cacheBytes(0).train();
    Batches partly = texts(500).cacheBytes(20_000).train();

    for (int epoch = 0; epoch < 2; epoch++) {
      BatchOrder order = BatchOrder.shuffled(8, 42, epoch);
      List<Batch> expected = all(cached, order);
      assertThat(all(cached, order)).isEqualTo(expected);
      assertThat(all(uncached, order)).isEqualTo(expected);
      assertThat(all(partly, order)).isEqualTo(expected);
    }
  }

  @Test
  void permutesDifferentlyInEachEpochAndForEachSeed() {
    Batches batches = numbers(100).train();

    List<Float> first = order(all(batches, BatchOrder.shuffled(16, 1, 0)));
    assertThat(first).isNotEqualTo(order(all(batches, BatchOrder.shuffled(16, 1, 1))));
    assertThat(first).isNotEqualTo(order(all(batches, BatchOrder.shuffled(16, 2, 0))));
    assertThat(first)
        .isNotEqualTo(order(all(batches, BatchOrder.sequential(16))))
        .hasSize(100)
        .containsExactlyInAnyOrderElementsOf(order(all(batches, BatchOrder.sequential(16))));
  }

  @Test
  void goesOnFromAnyBatchAsIfItHadNeverStopped() {
    for (Split split : List.of(texts(203), numbers(203))) {
      BatchOrder order = BatchOrder.shuffled(8, 5, 3);
      List<Batch> whole = all(split.train(), order);

      assertThat(whole).hasSize((int) split.train().count(8)).hasSize(26);
      for (int from : new int[] {0, 1, 13, 25, 26, 40}) {
        assertThat(all(split.train(), order.from(from)))
            .isEqualTo(whole.subList(Math.min(from, 26), 26));
      }
    }
  }

  @Test
  void doesNotReadTheRowsOfSkippedBatches() throws IOException {
    StringBuilder csv = new StringBuilder("x,y\n");
    for (int i = 0; i < 40; i++) {
      csv.append(i).append(',').append(i % 2).append('\n');
    }
    Path file = Files.writeString(folder.resolve("t.csv"), csv);
    Split split = Dataset.from(Csv.of(file)).number("x").estimate("y").split(1, 0, 0);
    Batches batches = split.train();
    Files.delete(file);

    assertThat(all(batches, BatchOrder.sequential(10).from(4))).isEmpty();
    assertThatThrownBy(() -> all(batches, BatchOrder.sequential(10).from(3)))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("there is no such file");
  }

  @Test
  void padsToTheLongestOfTheBatchAndMasksThePadding() {
    Split split =
        Dataset.from(
                Records.of(
                    List.of(
                        Row.of(Map.of("t", "a b a", "y", "u")),
                        Row.of(Map.of("t", "a", "y", "v")),
                        Row.of(Map.of("y", "u")))))
            .text("t")
            .label("y")
            .vocabulary(10, 1)
            .split(1, 0, 0);

    Batch batch = all(split.train(), BatchOrder.sequential(3)).get(0);

    assertThat(batch.tensors().get("t"))
        .isEqualTo(Tensor.ofLongs(new long[] {2, 3, 2, 2, 0, 0, 1, 0, 0}, 3, 3));
    assertThat(batch.tensors().get("t.mask"))
        .isEqualTo(Tensor.ofFloats(new float[] {1, 1, 1, 1, 0, 0, 1, 0, 0}, 3, 3));
    assertThat(batch.tensors().get("target")).isEqualTo(Tensor.ofLongs(new long[] {0, 1, 0}, 3));
    assertThat(batch.scored()).isEqualTo(3);
  }

  @Test
  void putsTextsOfSimilarLengthTogether() {
    Batches batches = texts(2_000).train();

    long bucketed = paddedTokens(all(batches, BatchOrder.shuffled(16, 1, 0)));
    long unordered = paddedTokens(all(batches, BatchOrder.sequential(16)));

    List<Batch> all = all(batches, BatchOrder.shuffled(16, 1, 0));
    long real = all.stream().mapToLong(batch -> real(batch)).sum();
    assertThat(real)
        .isEqualTo(
            all(batches, BatchOrder.sequential(16)).stream().mapToLong(BatchesTest::real).sum());
    assertThat(bucketed).isLessThan((long) (real * 1.1));
    assertThat(unordered).isGreaterThan((long) (real * 1.5));
    List<Long> lengths = all.stream().map(batch -> batch.tensors().get("t").size(1)).toList();
    assertThat(lengths).isNotEqualTo(lengths.stream().sorted().toList());
  }

  @Test
  void keepsTheSmallerBatchForTheEnd() {
    assertThat(all(texts(203).train(), BatchOrder.shuffled(8, 9, 1)))
        .extracting(Batch::rows)
        .endsWith(8, 3)
        .startsWith(8)
        .hasSize(26);
  }

  @Test
  void throwsFromNextWhatThePreparationThrew() throws IOException {
    Path file = Files.writeString(folder.resolve("t.csv"), "x,y\n1,1\n2,2\n3,3\n");
    Batches batches =
        Dataset.from(Csv.of(file)).number("x").estimate("y").split(1, 0, 0).cacheBytes(0).train();
    Files.writeString(file, "x,y\n");

    try (Batches.Stream stream = batches.open(BatchOrder.sequential(1))) {
      assertThat(stream.hasNext()).isTrue();
      assertThatThrownBy(stream::next)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("has changed");
    }
  }

  @Test
  void endsItsThreadWhenClosed() {
    Batches.Stream stream = numbers(1_000).train().open(BatchOrder.sequential(1));
    stream.next();
    assertThat(preparing()).isPositive();

    stream.close();
    stream.close();

    assertThat(preparing()).isZero();
    assertThatThrownBy(stream::hasNext).hasMessage("the stream is closed");
  }

  @Test
  void losesNoBatchToAnInterrupt() {
    Batches batches = numbers(50).train();
    List<Batch> expected = all(batches, BatchOrder.sequential(5));

    Thread.currentThread().interrupt();
    List<Batch> found = all(batches, BatchOrder.sequential(5));

    assertThat(Thread.interrupted()).isTrue();
    assertThat(found).isEqualTo(expected);
  }

  @Test
  void saysSoWhenTheEpochHasEnded() {
    try (Batches.Stream stream = numbers(2).train().open(BatchOrder.sequential(2))) {
      stream.next();
      assertThat(stream.hasNext()).isFalse();
      assertThatThrownBy(stream::next).isInstanceOf(NoSuchElementException.class);
    }
  }

  @Test
  void readsRowsFromManyThreadsAtOnce() throws Exception {
    StringBuilder csv = new StringBuilder("x,y\n");
    for (int i = 0; i < 1_000; i++) {
      csv.append(i).append(",\"").append(i % 7).append("\n\"\n");
    }
    Path file = Files.writeString(folder.resolve("t.csv"), csv);
    Rows rows = Dataset.from(Csv.of(file)).number("x").label("y").rows();

    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Callable<Integer>> readers = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        int step = new int[] {1, 7, 11, 1}[t];
        readers.add(
            () -> {
              int right = 0;
              for (int i = 0; i < 1_000; i++) {
                int at = i * step % 1_000;
                Row expected = Row.of(Map.of("x", at, "y", at % 7 + "\n"));
                right += rows.row(at).equals(expected) ? 1 : 0;
              }
              return right;
            });
      }
      for (Future<Integer> right : threads.invokeAll(readers)) {
        assertThat(right.get()).isEqualTo(1_000);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThatThrownBy(() -> rows.row(1_000)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> rows.row(-1)).hasMessageContaining("[0, 1000), got -1");
  }

  private static Split numbers(int rows) {
    return Dataset.from(
            Records.of(
                IntStream.range(0, rows).boxed().toList(), i -> Row.of(Map.of("x", i, "y", i))))
        .number("x")
        .estimate("y")
        .split(1, 0, 0);
  }

  /** Texts of 1 to 40 words, the lengths spread over the rows. */
  private static Split texts(int rows) {
    return Dataset.from(
            Records.of(
                IntStream.range(0, rows).boxed().toList(),
                i ->
                    Row.of(
                        Map.of(
                            "t",
                            "word w" + i % 11 + " rest".repeat(i * 17 % 39),
                            "y",
                            "c" + i % 2))))
        .text("t")
        .label("y")
        .vocabulary(100, 1)
        .split(1, 0, 0);
  }

  private static long preparing() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("athanor-batches"))
        .count();
  }

  private static List<Float> order(List<Batch> batches) {
    List<Float> values = new ArrayList<>();
    for (Batch batch : batches) {
      for (float value : batch.tensors().get("target").floats()) {
        values.add(value);
      }
    }
    return values;
  }

  private static long paddedTokens(List<Batch> batches) {
    return batches.stream().mapToLong(batch -> batch.tensors().get("t").elements()).sum();
  }

  private static long real(Batch batch) {
    double sum = 0;
    for (float mask : batch.tensors().get("t.mask").floats()) {
      sum += mask;
    }
    return (long) sum;
  }

  private static List<Batch> all(Batches batches, BatchOrder order) {
    List<Batch> all = new ArrayList<>();
    try (Batches.Stream stream = batches.open(order)) {
      stream.forEachRemaining(all::add);
    }
    return all;
  }
}
