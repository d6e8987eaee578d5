package io.athanor.server.monitoring;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.deploy.monitor.DriftReport;
import io.athanor.deploy.monitor.ServingWindow;
import io.athanor.deploy.monitor.TraitDrift;
import io.athanor.server.access.Caller;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.athanor.server.serving.ServedModels;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.List;

/** What the monitors of watched models see. Thread-safe. */
public final class MonitorEndpoints {
  private final ServedModels models;

  public MonitorEndpoints(ServedModels models) {
    this.models = models;
  }

  public List<Route> routes() {
    return List.of(
        Route.get("/v1/deployments/{name}/window", this::window),
        Route.get("/v1/deployments/{name}/drift", this::drift));
  }

  private ServedModels.Entry entry(Context ctx) {
    return models.findModel(ctx.pathParam("name"), Caller.of(ctx));
  }

  private static ObjectNode begin(ServedModels.Entry entry) {
    return StrictJson.object()
        .put("name", entry.model().name())
        .put("version", entry.model().version());
  }

  private void window(Context ctx) {
    ServedModels.Entry entry = entry(ctx);
    ServingWindow window = entry.monitor().window();
    ObjectNode json =
        begin(entry)
            .put("from", window.from().toString())
            .put("until", window.until().toString())
            .put("answered", window.answered())
            .put("errorRate", window.errorRate())
            .put("perSecond", window.perSecond())
            .put("meanMillis", millis(window.mean()))
            .put("medianMillis", millis(window.median()))
            .put("p90Millis", millis(window.p90()))
            .put("p99Millis", millis(window.p99()))
            .put("slowestMillis", millis(window.slowest()))
            .put("opinions", window.opinions())
            .put("rows", window.rows())
            .put("passedOver", window.passedOver());
    window.satisfaction().ifPresent(share -> json.put("satisfaction", share));
    ObjectNode errors = json.putObject("errors");
    window.errors().forEach((kind, count) -> errors.put(JsonFields.lower(kind), count));
    StrictJson.send(ctx, json);
  }

  private static double millis(Duration time) {
    return time.toNanos() / 1e6;
  }

  private void drift(Context ctx) {
    ServedModels.Entry entry = entry(ctx);
    DriftReport report =
        entry
            .monitor()
            .drift()
            .orElseThrow(
                () ->
                    new HttpProblem(
                        404,
                        entry.model()
                            + " has no baseline to find drift against; the application gives it"
                            + " one with Monitoring.baseline(..)"));
    ObjectNode json =
        begin(entry)
            .put("from", report.from().toString())
            .put("until", report.until().toString())
            .put("drifted", report.drifted().size());
    ArrayNode traits = json.putArray("traits");
    report.traits().forEach(trait -> put(trait, traits.addObject()));
    StrictJson.send(ctx, json);
  }

  private static void put(TraitDrift trait, ObjectNode json) {
    json.put("column", trait.trait().column())
        .put("aspect", JsonFields.lower(trait.trait().aspect()))
        .put("test", JsonFields.lower(trait.test()))
        .put("rows", trait.rows())
        .put("statistic", trait.statistic())
        .put("pValue", trait.pValue())
        .put("adjusted", trait.adjusted())
        .put("drifted", trait.drifted());
    if (Double.isFinite(trait.stability())) {
      json.put("stability", trait.stability());
    }
  }
}
