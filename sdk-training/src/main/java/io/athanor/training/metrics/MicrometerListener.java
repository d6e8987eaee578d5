package io.athanor.training.metrics;

import io.athanor.api.event.TrainingEvent;
import io.athanor.api.event.TrainingListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Puts a run's numbers into a meter registry: gauges {@code athanor.training.loss}, {@code
 * .learning.rate}, {@code .gradient.norm}, {@code .rows.per.second}, {@code .step}, {@code .epoch},
 * one for each evaluated metric such as {@code athanor.training.validation.loss}, and the counters
 * {@code .steps}, {@code .checkpoints}, {@code .failures}. For one run at a time; a listener of a
 * later run takes the gauges over.
 */
public final class MicrometerListener implements TrainingListener {
  private static final String PREFIX = "athanor.training.";

  private final MeterRegistry registry;
  private final Tags tags;
  private final Map<String, AtomicLong> values = new ConcurrentHashMap<>();
  private final Counter steps;
  private final Counter checkpoints;
  private final Counter failures;

  /**
   * @param registry where to
   * @param tags put on every meter, for example the name of the model
   */
  public MicrometerListener(MeterRegistry registry, Tag... tags) {
    this.registry = registry;
    this.tags = Tags.of(tags);
    this.steps = registry.counter(PREFIX + "steps", this.tags);
    this.checkpoints = registry.counter(PREFIX + "checkpoints", this.tags);
    this.failures = registry.counter(PREFIX + "failures", this.tags);
  }

  @Override
  public void on(TrainingEvent event) {
    if (event instanceof TrainingEvent.StepCompleted step) {
      steps.increment();
      set("loss", step.loss());
      set("learning.rate", step.learningRate());
      set("gradient.norm", step.gradientNorm());
      set("rows.per.second", step.rowsPerSecond());
      set("step", (double) step.step());
      set("epoch", step.epoch());
    } else if (event instanceof TrainingEvent.Evaluated evaluated) {
      evaluated.metrics().forEach(this::set);
    } else if (event instanceof TrainingEvent.CheckpointSaved) {
      checkpoints.increment();
    } else if (event instanceof TrainingEvent.Failed) {
      failures.increment();
    }
  }

  private void set(String name, double value) {
    values.computeIfAbsent(name, this::register).set(Double.doubleToRawLongBits(value));
  }

  private AtomicLong register(String name) {
    AtomicLong bits = new AtomicLong();
    // The registry would keep the gauge of an earlier run, and forget its value with that listener.
    registry.removeByPreFilterId(new Meter.Id(PREFIX + name, tags, null, null, Meter.Type.GAUGE));
    Gauge.builder(PREFIX + name, bits, b -> Double.longBitsToDouble(b.get()))
        .tags(tags)
        .register(registry);
    return bits;
  }
}
