package io.athanor.data;

import io.athanor.api.data.Baseline;
import io.athanor.api.data.BaselineSketch;
import io.athanor.api.data.Row;
import io.athanor.api.data.Traits;
import io.athanor.data.table.IndexedRows;
import java.util.function.BiConsumer;

/** One pass over rows that finds what they are like. */
final class TraitScan {
  private static final long ROWS_LOOKED_AT = 100_000;

  private final BiConsumer<Row, Traits.Observer> reading;
  private final BaselineSketch sketch = new BaselineSketch();
  private final long stride;
  private long seen;

  private TraitScan(BiConsumer<Row, Traits.Observer> reading, long stride) {
    this.reading = reading;
    this.stride = stride;
  }

  /**
   * @param reading tells an observer about a row
   */
  static Baseline of(IndexedRows rows, BiConsumer<Row, Traits.Observer> reading) {
    long stride = Math.max(1, (rows.size() + ROWS_LOOKED_AT - 1) / ROWS_LOOKED_AT);
    TraitScan scan = new TraitScan(reading, stride);
    rows.forEach(located -> scan.see(located.row()));
    return scan.sketch.baseline();
  }

  private void see(Row row) {
    if (seen++ % stride == 0) {
      reading.accept(row, sketch);
    }
  }
}
