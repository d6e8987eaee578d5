package io.athanor.deploy.serve;

import io.athanor.api.data.EncodedRow;
import io.athanor.api.model.Prediction;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * An engine whose every pass waits for a permit, which notes what it was given and answers with
 * each row's length.
 */
final class GatedEngine implements MicroBatcher.Engine<EncodedRow, Prediction> {
  final Semaphore passes = new Semaphore(0);
  final CountDownLatch busy = new CountDownLatch(1);
  final CountDownLatch closed = new CountDownLatch(1);
  final ConcurrentLinkedQueue<List<Integer>> lengths = new ConcurrentLinkedQueue<>();
  volatile RuntimeException nextFailure;
  volatile double factor = 1;
  volatile boolean silent;

  @Override
  public String name() {
    return "gated";
  }

  @Override
  public List<Prediction> predict(List<EncodedRow> rows) {
    busy.countDown();
    try {
      if (!passes.tryAcquire(20, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the test gave no permit");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    lengths.add(rows.stream().map(EncodedRow::length).toList());
    RuntimeException failure = nextFailure;
    if (failure != null) {
      nextFailure = null;
      throw failure;
    }
    return rows.stream()
        .limit(silent ? 0 : rows.size())
        .map(row -> (Prediction) new Prediction.Quantity(factor * row.length()))
        .toList();
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
