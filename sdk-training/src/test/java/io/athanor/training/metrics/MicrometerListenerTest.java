package io.athanor.training.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.event.TrainingEvent;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MicrometerListenerTest {
  @Test
  void showsTheLatestNumbersUnderTheGivenTags() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    MicrometerListener listener = new MicrometerListener(registry, Tag.of("model", "spam"));

    listener.on(new TrainingEvent.StepCompleted(1, 9, 1, 0.75, 2.5, 1e-3, 100));
    listener.on(new TrainingEvent.StepCompleted(2, 9, 1, 0.5, 1.5, 2e-3, 200));
    listener.on(new TrainingEvent.Evaluated(2, 1, Map.of("validation.loss", 0.25), true));
    listener.on(new TrainingEvent.CheckpointSaved(2, Path.of("step-2")));
    listener.on(new TrainingEvent.Failed(2, "NaN"));

    assertThat(gauge(registry, "loss")).isEqualTo(0.5);
    assertThat(gauge(registry, "gradient.norm")).isEqualTo(1.5);
    assertThat(gauge(registry, "learning.rate")).isEqualTo(2e-3);
    assertThat(gauge(registry, "rows.per.second")).isEqualTo(200);
    assertThat(gauge(registry, "step")).isEqualTo(2);
    assertThat(gauge(registry, "epoch")).isEqualTo(1);
    assertThat(gauge(registry, "validation.loss")).isEqualTo(0.25);
    assertThat(counter(registry, "steps")).isEqualTo(2);
    assertThat(counter(registry, "checkpoints")).isEqualTo(1);
    assertThat(counter(registry, "failures")).isEqualTo(1);
  }

  @Test
  void aLaterRunTakesTheGaugesOver() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    TrainingEvent first = new TrainingEvent.StepCompleted(1, 9, 1, 0.75, 2.5, 1e-3, 100);
    TrainingEvent second = new TrainingEvent.StepCompleted(1, 9, 1, 0.25, 2.5, 1e-3, 100);

    new MicrometerListener(registry, Tag.of("model", "spam")).on(first);
    new MicrometerListener(registry, Tag.of("model", "spam")).on(second);

    assertThat(gauge(registry, "loss")).isEqualTo(0.25);
    assertThat(counter(registry, "steps")).isEqualTo(2);
  }

  private static double gauge(SimpleMeterRegistry registry, String name) {
    return registry.get("athanor.training." + name).tag("model", "spam").gauge().value();
  }

  private static double counter(SimpleMeterRegistry registry, String name) {
    return registry.get("athanor.training." + name).tag("model", "spam").counter().count();
  }
}
