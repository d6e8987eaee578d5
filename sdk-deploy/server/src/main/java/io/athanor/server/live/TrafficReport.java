package io.athanor.server.live;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.server.http.StrictJson;
import io.athanor.server.serving.ServedModels;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Publishes what every model does, as long as somebody reads. Thread-safe. */
public final class TrafficReport implements AutoCloseable {
  private final ServedModels models;
  private final LiveEvents events;
  private final ScheduledExecutorService timer;

  private TrafficReport(ServedModels models, LiveEvents events, ScheduledExecutorService timer) {
    this.models = models;
    this.events = events;
    this.timer = timer;
  }

  /** Begins to publish, once in an interval. */
  public static TrafficReport start(ServedModels models, LiveEvents events, Duration interval) {
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            work -> {
              Thread thread = new Thread(work, "athanor-traffic");
              thread.setDaemon(true);
              return thread;
            });
    TrafficReport report = new TrafficReport(models, events, timer);
    var unused =
        timer.scheduleAtFixedRate(
            report::publish, interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
    return report;
  }

  private void publish() {
    if (events.anybodyReads()) {
      for (ServedModels.Entry entry : models.all()) {
        events.publish("traffic", entry.model().name(), json(entry.live().stats()));
      }
    }
  }

  /** Counts as JSON; times in milliseconds. */
  public static ObjectNode json(DeploymentStats stats) {
    return StrictJson.object()
        .put("answered", stats.answered())
        .put("failed", stats.failed())
        .put("refused", stats.refused())
        .put("batches", stats.batches())
        .put("largestBatch", stats.largestBatch())
        .put("waiting", stats.waiting())
        .put("meanMillis", stats.mean().toNanos() / 1e6)
        .put("medianMillis", stats.median().toNanos() / 1e6)
        .put("p99Millis", stats.p99().toNanos() / 1e6);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
