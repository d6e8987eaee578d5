package io.athanor.training.tuning;

import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import java.util.function.UnaryOperator;

/**
 * Batches of the same rows, each changed before it is given.
 *
 * @param change from any thread
 */
public record ChangedBatches(Batches batches, UnaryOperator<Batch> change) implements Batches {
  @Override
  public long rows() {
    return batches.rows();
  }

  @Override
  public long count(int batchSize) {
    return batches.count(batchSize);
  }

  @Override
  public Stream open(BatchOrder order) {
    Stream stream = batches.open(order);
    return new Stream() {
      @Override
      public boolean hasNext() {
        return stream.hasNext();
      }

      @Override
      public Batch next() {
        return change.apply(stream.next());
      }

      @Override
      public void close() {
        stream.close();
      }
    };
  }
}
