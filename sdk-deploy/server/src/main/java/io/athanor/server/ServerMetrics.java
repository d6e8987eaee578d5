package io.athanor.server;

import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.function.ToDoubleFunction;

/** What a server counts, in Prometheus' text form. Thread-safe. */
final class ServerMetrics implements AutoCloseable {
  static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

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

  void watch(Deployment deployment) {
    Tags tags =
        Tags.of("model", deployment.model().name(), "version", deployment.model().version());
    count("answered", deployment, tags, DeploymentStats::answered);
    count("failed", deployment, tags, DeploymentStats::failed);
    count("refused", deployment, tags, DeploymentStats::refused);
    FunctionCounter.builder("athanor.batches", deployment, d -> d.stats().batches())
        .description("Passes through the engine; answered rows by batches is the mean batch size")
        .tags(tags)
        .register(registry);
    Gauge.builder("athanor.batch.rows.largest", deployment, d -> d.stats().largestBatch())
        .description("Rows of the largest batch so far")
        .tags(tags)
        .register(registry);
    Gauge.builder("athanor.queue.rows", deployment, d -> d.stats().waiting())
        .description("Rows that wait for the engine")
        .tags(tags)
        .register(registry);
  }

  private void count(
      String outcome, Deployment deployment, Tags tags, ToDoubleFunction<DeploymentStats> value) {
    FunctionCounter.builder("athanor.rows", deployment, d -> value.applyAsDouble(d.stats()))
        .description("Rows by what became of them")
        .tags(tags.and("outcome", outcome))
        .register(registry);
  }

  /**
   * Counts a request.
   *
   * @param route the template of its path, so that callers cannot make up series
   */
  void request(String route, String model, int status, Duration time) {
    Timer.builder("athanor.http.requests")
        .description("Requests by route, model and status")
        .tags("route", route, "model", model, "status", Integer.toString(status))
        .serviceLevelObjectives(BUCKETS)
        .register(registry)
        .record(time);
  }

  String text() {
    return registry.scrape();
  }

  @Override
  public void close() {
    registry.close();
  }
}
