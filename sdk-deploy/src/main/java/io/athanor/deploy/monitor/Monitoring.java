package io.athanor.deploy.monitor;

import io.athanor.api.data.Baseline;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Deployment;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextDeployment;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * How to watch a deployment. Not thread-safe; what {@code watch} gives stands alone.
 *
 * <pre>{@code
 * MonitoredDeployment live = new Monitoring()
 *     .baseline(artifact.baseline())
 *     .alert(new AlertRule.Drift())
 *     .alert(new AlertRule.ErrorRate(0.01, 100))
 *     .channel(AlertChannel.log())
 *     .watch(deployment);
 * }</pre>
 */
public final class Monitoring {
  Optional<Baseline> baseline = Optional.empty();
  Duration window = Duration.ofMinutes(10);
  DriftLimits limits = DriftLimits.DEFAULT;
  int rowsPerWindow = 10_000;
  Optional<Function<? super Row, float[]>> embedder = Optional.empty();
  List<AlertRule> rules = new ArrayList<>();
  List<AlertChannel> channels = new ArrayList<>();
  Duration cooldown = Duration.ofHours(1);
  Duration checkEvery = Duration.ofSeconds(10);
  Optional<FeedbackLog> feedback = Optional.empty();
  Clock clock = Clock.systemUTC();
  LongSupplier nanoClock = System::nanoTime;
  Supplier<String> ids = () -> UUID.randomUUID().toString();

  public Monitoring() {}

  private Monitoring(Monitoring other) {
    baseline = other.baseline;
    window = other.window;
    limits = other.limits;
    rowsPerWindow = other.rowsPerWindow;
    embedder = other.embedder;
    rules = List.copyOf(other.rules);
    channels = List.copyOf(other.channels);
    cooldown = other.cooldown;
    checkEvery = other.checkEvery;
    feedback = other.feedback;
    clock = other.clock;
    nanoClock = other.nanoClock;
    ids = other.ids;
  }

  /** What rows and answers are held against; nothing unless set, and then no drift is found. */
  public Monitoring baseline(Optional<Baseline> known) {
    baseline = known;
    return this;
  }

  /** How far back a window reaches: one second to one week, ten minutes unless set. */
  public Monitoring window(Duration length) {
    within("window", length, Duration.ofSeconds(1), Duration.ofDays(7));
    window = length;
    return this;
  }

  /** From where on a difference is drift; {@link DriftLimits#DEFAULT} unless set. */
  public Monitoring limits(DriftLimits drift) {
    limits = Objects.requireNonNull(drift, "drift");
    return this;
  }

  /** How many rows of a window are looked at for drift: at least 10, ten thousand unless set. */
  public Monitoring rowsPerWindow(int rows) {
    if (rows < 10) {
      throw new IllegalArgumentException("rowsPerWindow must be at least 10, got " + rows);
    }
    rowsPerWindow = rows;
    return this;
  }

  /** Turns rows into vectors, for a baseline with embeddings; called by the monitor's thread. */
  public Monitoring embedder(Function<? super Row, float[]> vectors) {
    embedder = Optional.of(vectors);
    return this;
  }

  /** Another rule for alerts. */
  public Monitoring alert(AlertRule rule) {
    rules.add(Objects.requireNonNull(rule, "rule"));
    return this;
  }

  /** Another place for alerts; stays the caller's to close. */
  public Monitoring channel(AlertChannel channel) {
    channels.add(Objects.requireNonNull(channel, "channel"));
    return this;
  }

  /** How long a rule is silent after it was breached; one hour unless set. */
  public Monitoring cooldown(Duration silence) {
    within("cooldown", silence, Duration.ZERO, Duration.ofDays(365));
    cooldown = silence;
    return this;
  }

  /** How often rules are looked at: ten seconds unless set; zero for {@link Monitor#check} only. */
  public Monitoring checkEvery(Duration interval) {
    within("checkEvery", interval, Duration.ZERO, Duration.ofDays(1));
    checkEvery = interval;
    return this;
  }

  /** Where feedback with consent is kept; nowhere unless set. Stays the caller's to close. */
  public Monitoring feedback(FeedbackLog log) {
    feedback = Optional.of(log);
    return this;
  }

  /** Dates windows, alerts and feedback; the system's clock unless set. */
  public Monitoring clock(Clock source) {
    clock = Objects.requireNonNull(source, "source");
    return this;
  }

  /** Measures latencies; {@link System#nanoTime} unless set. */
  public Monitoring nanoClock(LongSupplier source) {
    nanoClock = Objects.requireNonNull(source, "source");
    return this;
  }

  /** Names answers; random UUIDs unless set. */
  public Monitoring ids(Supplier<String> source) {
    ids = Objects.requireNonNull(source, "source");
    return this;
  }

  /** Begins to watch; closing what this gives closes the deployment too. */
  public MonitoredDeployment watch(Deployment deployment) {
    Monitoring copy = new Monitoring(this);
    return new MonitoredDeployment(deployment, copy, new Monitor(deployment.model(), copy));
  }

  /** Begins to watch; closing what this gives closes the deployment too. */
  public MonitoredText watch(TextDeployment deployment) {
    return new MonitoredText(deployment, monitor(deployment));
  }

  /** Begins to watch; closing what this gives closes the deployment too. */
  public MonitoredEmbedding watch(EmbeddingDeployment deployment) {
    return new MonitoredEmbedding(deployment, monitor(deployment));
  }

  private Monitor monitor(io.athanor.api.deploy.LiveModel deployment) {
    return new Monitor(deployment.model(), new Monitoring(this));
  }

  private static void within(String name, Duration value, Duration least, Duration most) {
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          name + " must be " + least + " to " + most + ", got " + value);
    }
  }
}
