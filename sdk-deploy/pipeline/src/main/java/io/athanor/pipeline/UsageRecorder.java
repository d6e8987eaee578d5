package io.athanor.pipeline;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.DeploymentRecord;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Usage;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.DeploymentLog;
import io.athanor.registry.ModelRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a registry how much a deployed version is used and, if it is told, where it is live from
 * when to when. It reads the deployment's counts from time to time and never stands between a
 * request and its answer. What the registry does not take is kept and told again. Thread-safe.
 *
 * <pre>{@code
 * try (var recorder = UsageRecorder.of(registry, version, deployment)
 *     .at("production", "host-1")
 *     .start()) {
 *   ...                                  // answer requests; close() also closes the deployment
 * }
 * }</pre>
 *
 * <p>Requests without an answer, failed or refused, count as errors that took no time. The time of
 * the last request is exact to the interval. Of a process that is killed, what happened since the
 * last interval is lost, and the version stays on record as live until {@link Builder#onlyAt}
 * another begins there. When the registry cannot say whether it took something ({@link
 * io.athanor.api.error.OutcomeUnknownException}), it is told again, and that much may count twice.
 */
public final class UsageRecorder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(UsageRecorder.class);

  private final ModelRegistry registry;
  private final ModelVersion version;
  private final LiveModel live;
  private final Optional<Place> place;
  private final Clock clock;
  private final Instant since;
  private @Nullable Future<?> schedule;
  private @Nullable ScheduledExecutorService owned;
  private Total seen = Total.NONE;
  private Total recorded = Total.NONE;
  private Instant lastUse;
  private Optional<DeploymentRecord> deployment = Optional.empty();
  private Optional<Instant> until = Optional.empty();
  private boolean ended;
  private boolean failing;

  private UsageRecorder(Builder builder) {
    this.registry = builder.registry;
    this.version = builder.version;
    this.live = builder.live;
    this.place = builder.place;
    this.clock = builder.clock;
    this.since = clock.instant();
    this.lastUse = since;
  }

  /**
   * Of a registered version that is deployed.
   *
   * @param registry where the version is registered; must stay open until this is closed
   * @param live answers with that version; closed with this
   */
  public static Builder of(ModelRegistry registry, ModelVersion version, LiveModel live) {
    return new Builder(registry, version, live);
  }

  /** How to record. Not thread-safe. */
  public static final class Builder {
    private static final Duration LONGEST = Duration.ofDays(1);

    private final ModelRegistry registry;
    private final ModelVersion version;
    private final LiveModel live;
    private Optional<Place> place = Optional.empty();
    private Duration interval = Duration.ofMinutes(1);
    private Clock clock = Clock.systemUTC();
    private @Nullable ScheduledExecutorService scheduler;

    private Builder(ModelRegistry registry, ModelVersion version, LiveModel live) {
      this.registry = registry;
      this.version = version;
      this.live = live;
    }

    /**
     * Also records where the version is live. Without it, only its use is.
     *
     * @param environment for example {@code "production"}; see {@link VersionId#requireName}
     * @param target for example the name of a machine; of each version, one recorder at most may
     *     have the same place
     */
    public Builder at(String environment, String target) {
      this.place = Optional.of(new Place(environment, target, false));
      return this;
    }

    /**
     * As {@link #at}, where no other version of the model is live. What a process that was killed
     * left on record there ends when this begins.
     */
    public Builder onlyAt(String environment, String target) {
      this.place = Optional.of(new Place(environment, target, true));
      return this;
    }

    /** The time between two records: above 0, at most a day; a minute unless set. */
    public Builder interval(Duration between) {
      if (between.isNegative() || between.isZero() || between.compareTo(LONGEST) > 0) {
        throw new IllegalArgumentException("interval must be above 0, up to a day, got " + between);
      }
      this.interval = between;
      return this;
    }

    /** Dates requests and deployment; the system's clock unless set. */
    public Builder clock(Clock time) {
      this.clock = time;
      return this;
    }

    /**
     * Runs the records, which may wait for the registry; stays the caller's to shut down. Without
     * it, there is a thread for them.
     */
    public Builder scheduler(ScheduledExecutorService shared) {
      this.scheduler = shared;
      return this;
    }

    /**
     * Begins to record; does not wait for the registry.
     *
     * @throws ValidationException if the deployment answers with other weights than the version's
     */
    public UsageRecorder start() {
      if (version.facts().weights().filter(live.model().weights()::equals).isEmpty()) {
        throw new ValidationException(
            "recording of " + version.id(),
            List.of(
                "the deployment of "
                    + live.model()
                    + " answers with weights "
                    + live.model().weights().brief()
                    + ", the version has "
                    + version.facts().weights().map(w -> w.brief()).orElse("none that are known")));
      }
      UsageRecorder recorder = new UsageRecorder(this);
      recorder.schedule(interval, scheduler);
      return recorder;
    }
  }

  private record Place(String environment, String target, boolean alone) {
    Place {
      VersionId.requireName("environment", environment);
      if (target.isBlank()) {
        throw new IllegalArgumentException("target must not be blank");
      }
    }
  }

  /** What a deployment did since it began. */
  private record Total(long requests, long errors, Duration latency) {
    static final Total NONE = new Total(0, 0, Duration.ZERO);

    static Total of(DeploymentStats stats) {
      long errors = stats.failed() + stats.refused();
      return new Total(
          stats.answered() + errors, errors, stats.mean().multipliedBy(stats.answered()));
    }

    /** A total is the mean times the answers, and the mean is rounded: it may fall a little. */
    Total orLatencyOf(Total earlier) {
      return latency.compareTo(earlier.latency) >= 0
          ? this
          : new Total(requests, errors, earlier.latency);
    }

    Usage since(Total earlier, Instant last) {
      return Usage.of(
          requests - earlier.requests,
          errors - earlier.errors,
          latency.minus(earlier.latency),
          last);
    }
  }

  /** Before anybody else has this. */
  private void schedule(Duration interval, @Nullable ScheduledExecutorService scheduler) {
    ScheduledExecutorService runs = scheduler;
    if (runs == null) {
      runs =
          Executors.newSingleThreadScheduledExecutor(
              task -> {
                Thread thread = new Thread(task, "athanor-usage-" + version.id());
                thread.setDaemon(true);
                return thread;
              });
      owned = runs;
    }
    schedule =
        runs.scheduleWithFixedDelay(
            () -> tryFlush(interval), 0, interval.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Whatever goes wrong, the next time may be better. */
  private synchronized void tryFlush(Duration interval) {
    try {
      flush();
      if (failing) {
        LOG.info("The use of {} is recorded again, and nothing is missing", version.id());
      }
      failing = false;
    } catch (RuntimeException e) {
      if (!failing) {
        LOG.warn(
            "The use of {} cannot be recorded now; it is kept and tried again every {}",
            version.id(),
            interval,
            e);
      }
      failing = true;
    }
  }

  /**
   * Records at once what is new.
   *
   * @throws io.athanor.api.error.AthanorException if the registry does not take it; it is kept
   */
  public synchronized void flush() {
    Total now = Total.of(live.stats()).orLatencyOf(seen);
    if (now.requests() > seen.requests()) {
      lastUse = clock.instant();
    }
    seen = now;
    if (place.isPresent() && deployment.isEmpty()) {
      deployment = Optional.of(begin(place.get()));
    }
    if (seen.requests() > recorded.requests()) {
      registry.recordUse(version, seen.since(recorded, lastUse));
      recorded = seen;
    }
  }

  private DeploymentRecord begin(Place where) {
    DeploymentLog log = registry.deployments();
    if (where.alone()) {
      log.in(where.environment()).stream()
          .filter(DeploymentRecord::live)
          .filter(record -> record.target().equals(where.target()))
          .filter(record -> record.version().name().equals(version.name()))
          .filter(record -> !record.version().equals(version.id()))
          .forEach(record -> log.end(record, since));
    }
    return log.begin(version, where.environment(), where.target(), since);
  }

  /**
   * Closes the deployment, records the rest, and that the version is not live any more; twice is
   * fine.
   *
   * @throws io.athanor.api.error.AthanorException if the registry does not take it; the deployment
   *     is closed then, and closing again tries again
   */
  @Override
  public void close() {
    stop();
    try {
      live.close();
    } finally {
      end();
    }
  }

  /** Does not wait for a record that waits for the registry. */
  private void stop() {
    if (schedule != null) {
      schedule.cancel(false);
    }
    if (owned != null) {
      owned.shutdown();
    }
  }

  private synchronized void end() {
    if (!ended) {
      Instant closed = until.orElseGet(clock::instant);
      until = Optional.of(closed);
      flush();
      deployment.ifPresent(record -> registry.deployments().end(record, closed));
      ended = true;
    }
  }
}
