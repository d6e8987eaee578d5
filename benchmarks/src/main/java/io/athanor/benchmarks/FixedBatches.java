package io.athanor.benchmarks;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.TrainingData;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The same ready-made batches in every epoch, and when each epoch began. */
final class FixedBatches implements TrainingData, Batches {
  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

  private final Encoding encoding;
  private final List<Batch> batches;
  private final List<Long> begins = new ArrayList<>();

  FixedBatches(Encoding encoding, List<Batch> batches) {
    this.encoding = encoding;
    this.batches = List.copyOf(batches);
  }

  /** Nanoseconds of processor time that the epochs took, the last one left out; then forgets. */
  List<Long> epochs() {
    List<Long> durations = new ArrayList<>();
    for (int i = 1; i < begins.size(); i++) {
      durations.add(begins.get(i) - begins.get(i - 1));
    }
    begins.clear();
    return durations;
  }

  @Override
  public Encoding encoding() {
    return encoding;
  }

  @Override
  public Batches train() {
    return this;
  }

  @Override
  public Optional<Batches> validation() {
    return Optional.empty();
  }

  @Override
  public DataProvenance provenance() {
    return new DataProvenance(
        "memory", Digest.ofText("benchmark"), rows(), List.of(), Map.of("train", rows()), 0);
  }

  @Override
  public long rows() {
    return batches.stream().mapToLong(Batch::rows).sum();
  }

  @Override
  public Stream open(BatchOrder order) {
    begins.add(CPU.getCurrentThreadCpuTime());
    Iterator<Batch> rest = batches.subList((int) order.first(), batches.size()).iterator();
    return new Stream() {
      @Override
      public boolean hasNext() {
        return rest.hasNext();
      }

      @Override
      public Batch next() {
        return rest.next();
      }

      @Override
      public void close() {}
    };
  }
}
