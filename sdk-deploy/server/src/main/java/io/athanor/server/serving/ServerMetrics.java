package io.athanor.server.serving;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.LiveModel;
import io.athanor.deploy.serve.ResponseCache;
import io.athanor.deploy.serve.TextAnswer;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** What a server counts, in Prometheus' text form. Thread-safe. */
public final class ServerMetrics implements AutoCloseable {
  /** Of {@link #text}. */
  public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private static final Duration[] BUCKETS = {
    Duration.ofMillis(1),
    Duration.ofMillis(2),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(20),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5)
  };

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Map<RequestSeries, Timer> requests = new ConcurrentHashMap<>();
  private final Map<LiveModel, List<Meter>> watched = new ConcurrentHashMap<>();

  private record RequestSeries(String route, String model, int status) {}

  /** Counts what a model does from now on. */
  void watch(LiveModel live) {
    Tags tags = tags(live);
    List<Meter> meters = new ArrayList<>();
    meters.add(count("answered", live, tags, DeploymentStats::answered));
    meters.add(count("failed", live, tags, DeploymentStats::failed));
    meters.add(count("refused", live, tags, DeploymentStats::refused));
    meters.add(
        FunctionCounter.builder("athanor.batches", live, d -> d.stats().batches())
            .description(
                "Passes through the engine; answered rows by batches is the mean batch size")
            .tags(tags)
            .register(registry));
    meters.add(
        Gauge.builder("athanor.batch.rows.largest", live, d -> d.stats().largestBatch())
            .description("Rows of the largest batch so far")
            .tags(tags)
            .register(registry));
    meters.add(
        Gauge.builder("athanor.queue.rows", live, d -> d.stats().waiting())
            .description("Rows that wait for the engine")
            .tags(tags)
            .register(registry));
    watched.put(live, meters);
  }

  /** Shows what a cache did. */
  public void watch(String name, ResponseCache cache) {
    Tags tags = Tags.of("cache", name);
    lookUps("hit", cache, tags, counts -> counts.hits());
    lookUps("miss", cache, tags, counts -> counts.misses());
    var unused =
        FunctionCounter.builder("athanor.cache.evicted", cache, c -> c.counts().evicted())
            .description("Answers that made room for others")
            .tags(tags)
            .register(registry);
    var unusedToo =
        Gauge.builder("athanor.cache.entries", cache, c -> c.counts().entries())
            .description("Answers in the cache now")
            .tags(tags)
            .strongReference(true)
            .register(registry);
  }

  private void lookUps(
      String result, ResponseCache cache, Tags tags, ToDoubleFunction<ResponseCache.Counts> value) {
    var unused =
        FunctionCounter.builder(
                "athanor.cache.lookups", cache, c -> value.applyAsDouble(c.counts()))
            .description("Look-ups of answers that can be kept, by whether they were there")
            .tags(tags.and("result", result))
            .register(registry);
  }

  /** Ends to count what a model does. */
  void forget(LiveModel live) {
    List<Meter> meters = watched.remove(live);
    if (meters != null) {
      meters.forEach(registry::remove);
    }
  }

  private static Tags tags(LiveModel live) {
    return Tags.of("model", live.model().name(), "version", live.model().version());
  }

  private Meter count(
      String outcome, LiveModel live, Tags tags, ToDoubleFunction<DeploymentStats> value) {
    return FunctionCounter.builder("athanor.rows", live, d -> value.applyAsDouble(d.stats()))
        .description("Rows by what became of them")
        .tags(tags.and("outcome", outcome))
        .register(registry);
  }

  /**
   * Counts a request.
   *
   * @param route the template of its path, so that callers cannot make up series
   */
  public void request(String route, String model, int status, long nanos) {
    requests
        .computeIfAbsent(new RequestSeries(route, model, status), this::timer)
        .record(nanos, TimeUnit.NANOSECONDS);
  }

  private Timer timer(RequestSeries series) {
    return Timer.builder("athanor.http.requests")
        .description("Requests by route, model and status")
        .tags(
            "route", series.route(),
            "model", series.model(),
            "status", Integer.toString(series.status()))
        .serviceLevelObjectives(BUCKETS)
        .register(registry);
  }

  /** Counts the tokens of a text that a model said. */
  public void generated(TextAnswer answer) {
    Tags tags = Tags.of("model", answer.model(), "version", answer.version());
    tokens(tags, "prompt", answer.generated().promptTokens());
    tokens(tags, "generated", answer.generated().tokens().size());
    Timer.builder("athanor.first.token")
        .description("Time until a model chose the first token of its answer")
        .tags(tags)
        .serviceLevelObjectives(BUCKETS)
        .register(registry)
        .record(answer.generated().timeToFirstToken());
  }

  /** Counts the tokens of texts that became vectors. */
  public void embedded(String model, String version, long tokens) {
    tokens(Tags.of("model", model, "version", version), "embedded", tokens);
  }

  private void tokens(Tags tags, String kind, long count) {
    Counter.builder("athanor.tokens")
        .description("Tokens that were read and said")
        .tags(tags.and("kind", kind))
        .register(registry)
        .increment((double) count);
  }

  /** All counts. */
  public String text() {
    return registry.scrape();
  }

  @Override
  public void close() {
    registry.close();
  }
}
