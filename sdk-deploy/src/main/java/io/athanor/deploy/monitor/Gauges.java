package io.athanor.deploy.monitor;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/** What serving threads write to, without waiting for each other. Thread-safe. */
final class Gauges {
  static final long SHORTEST = 1_000;
  static final long LONGEST = TimeUnit.HOURS.toNanos(1);
  static final int DIGITS = 2;

  private final Recorder latencies = new Recorder(SHORTEST, LONGEST, DIGITS);
  private final Map<ErrorKind, LongAdder> errors = new EnumMap<>(ErrorKind.class);
  private final LongAdder passedOver = new LongAdder();

  Gauges() {
    for (ErrorKind kind : ErrorKind.values()) {
      errors.put(kind, new LongAdder());
    }
  }

  void answered(long nanos) {
    latencies.recordValue(Math.min(Math.max(nanos, 0), LONGEST));
  }

  void failed(ErrorKind kind) {
    Objects.requireNonNull(errors.get(kind)).increment();
  }

  void passedOver() {
    passedOver.increment();
  }

  /** Moves everything to a slot. One thread at a time. */
  void moveTo(Slot slot) {
    Histogram recorded = latencies.getIntervalHistogram();
    slot.latencies.add(recorded);
    errors.forEach((kind, count) -> slot.failed(kind, count.sumThenReset()));
    slot.passedOver += passedOver.sumThenReset();
  }
}
