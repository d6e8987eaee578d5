package io.athanor.data.batch;

import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.EncodedRow;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.data.table.IndexedRows;
import io.athanor.data.table.LocatedRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Batches over rows that are encoded as they are needed and kept as far as memory allows. The next
 * batches are prepared while one is used. With text, shuffled batches hold rows of similar length
 * (see {@link EpochOrder}).
 */
public final class EncodedBatches implements Batches {
  private final IndexedRows rows;
  private final FeatureEncoding encoding;
  private final RowCache cache;
  private volatile Optional<int[]> lengths = Optional.empty();

  /**
   * @param cacheBytes about how much memory encoded rows may take
   */
  public EncodedBatches(IndexedRows rows, FeatureEncoding encoding, long cacheBytes) {
    this.rows = rows;
    this.encoding = encoding;
    this.cache = new RowCache((int) rows.size(), cacheBytes);
  }

  @Override
  public long rows() {
    return rows.size();
  }

  @Override
  public Stream open(BatchOrder order) {
    EpochOrder epoch = EpochOrder.of(order, (int) rows.size(), lengths(order));
    return new PrefetchedStream(new Preparation(epoch, order.first()));
  }

  /** Lengths matter only where there is text to shuffle; finding them encodes every row once. */
  private Optional<int[]> lengths(BatchOrder order) {
    if (!order.shuffled() || encoding.tokenizer().isEmpty()) {
      return Optional.empty();
    }
    if (lengths.isEmpty()) {
      int[] found = new int[(int) rows.size()];
      try (IndexedRows.Reading reading = rows.open()) {
        for (int i = 0; i < found.length; i++) {
          found[i] = encoded(i, reading).length();
        }
      }
      lengths = Optional.of(found);
    }
    return lengths;
  }

  private EncodedRow encoded(int index, IndexedRows.Reading reading) {
    EncodedRow known = cache.get(index);
    if (known != null) {
      return known;
    }
    LocatedRow row = reading.row(index);
    EncodedRow encoded = encoding.encode(row.row(), row.source(), row.line());
    cache.put(index, encoded);
    return encoded;
  }

  /** Makes one batch after the other; used by the thread that prefetches. */
  private final class Preparation implements PrefetchedStream.Producer {
    private final EpochOrder order;
    private long next;
    private IndexedRows.@Nullable Reading reading;

    Preparation(EpochOrder order, long first) {
      this.order = order;
      this.next = first;
    }

    @Override
    public Optional<Batch> next() {
      if (next >= order.batches()) {
        return Optional.empty();
      }
      if (reading == null) {
        reading = rows.open();
      }
      List<EncodedRow> batch = new ArrayList<>();
      for (int row : order.rows((int) next++)) {
        batch.add(encoded(row, reading));
      }
      return Optional.of(new Batch(encoding.collate(batch), batch.size(), batch.size()));
    }

    @Override
    public void close() {
      if (reading != null) {
        reading.close();
      }
    }
  }
}
