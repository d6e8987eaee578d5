package io.athanor.data;

import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.data.source.Csv;
import java.nio.file.Path;

/** Reads a large file, splits it and goes through an epoch, in a JVM whose heap is smaller. */
public final class SmallHeapMain {
  private SmallHeapMain() {}

  /** Takes the file; prints rows, batches and the seconds that indexing and the epoch took. */
  public static void main(String[] arguments) {
    long start = System.nanoTime();
    Split split =
        Dataset.from(Csv.of(Path.of(arguments[0])))
            .number("a", "b", "c")
            .category("kind")
            .label("y")
            .split(0.8, 0.1, 0.1)
            .seed(1);
    long rows = split.dataset().profile().rows();
    long indexed = System.nanoTime();
    Batches train = split.train();
    long fitted = System.nanoTime();
    long seen = 0;
    try (Batches.Stream stream = train.open(BatchOrder.shuffled(256, 1, 0))) {
      while (stream.hasNext()) {
        Batch batch = stream.next();
        seen += batch.rows();
      }
    }
    System.out.printf(
        "%d rows, %d seen, index %d ms, split and fit %d ms, epoch %d ms%n",
        rows,
        seen,
        (indexed - start) / 1_000_000,
        (fitted - indexed) / 1_000_000,
        (System.nanoTime() - fitted) / 1_000_000);
  }
}
