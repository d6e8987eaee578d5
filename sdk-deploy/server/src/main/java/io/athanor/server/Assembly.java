package io.athanor.server;

import io.athanor.server.access.AccessGate;
import io.athanor.server.access.Roles;
import io.athanor.server.docs.DocsEndpoints;
import io.athanor.server.http.Listener;
import io.athanor.server.http.RequestBody;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.athanor.server.live.EventEndpoints;
import io.athanor.server.live.LiveEvents;
import io.athanor.server.live.TrafficReport;
import io.athanor.server.monitoring.FeedbackEndpoints;
import io.athanor.server.monitoring.MonitorEndpoints;
import io.athanor.server.openai.OpenAiEndpoints;
import io.athanor.server.registry.DeploymentEndpoints;
import io.athanor.server.registry.JobEndpoints;
import io.athanor.server.registry.RegistryEndpoints;
import io.athanor.server.registry.RegistryRoles;
import io.athanor.server.registry.RolloutEndpoints;
import io.athanor.server.serving.Asking;
import io.athanor.server.serving.Deadlines;
import io.athanor.server.serving.ModelEndpoints;
import io.athanor.server.serving.PredictionEndpoints;
import io.athanor.server.serving.PredictionHandler;
import io.athanor.server.serving.RequestLog;
import io.athanor.server.serving.ServedModels;
import io.athanor.server.serving.ServerMetrics;
import io.athanor.server.serving.TextEndpoints;
import io.javalin.Javalin;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.List;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** The parts of a server, put together. */
record Assembly(
    Javalin javalin,
    ServedModels models,
    DeploymentEndpoints deployments,
    LiveEvents events,
    TrafficReport traffic,
    Deadlines deadlines,
    ServerMetrics metrics,
    List<Route> routes) {
  private static final int MOST_THREADS = 250;
  private static final int FEWEST_THREADS = 8;

  static Assembly of(ModelServer.Builder.Settings settings, Listener listener) {
    ServerMetrics metrics = new ServerMetrics();
    settings.caches.forEach(metrics::watch);
    LiveEvents events = new LiveEvents(settings.clock);
    ServedModels models = new ServedModels(metrics, settings.clock, events.alerts());
    RequestBody body = new RequestBody(settings.bodyLimit, listener.idle());
    QueuedThreadPool threads = new QueuedThreadPool(MOST_THREADS, FEWEST_THREADS);
    threads.setName("athanor-http");
    threads.setDaemon(true);
    Deadlines deadlines = new Deadlines(settings.answerTimeout);
    Asking asking = new Asking(threads, deadlines);
    DeploymentEndpoints deployments =
        new DeploymentEndpoints(
            models,
            events,
            body,
            settings.registry.map(
                from ->
                    new DeploymentEndpoints.Source(
                        from, settings.deployer, settings.environment, settings.target)));
    EventEndpoints live = new EventEndpoints(events);
    DocsEndpoints docs = new DocsEndpoints();

    List<Route> routes = new ArrayList<>(new ModelEndpoints(models).routes());
    PredictionEndpoints predictions =
        new PredictionEndpoints(models, body, settings.maximumRows, asking);
    routes.addAll(predictions.routes());
    routes.addAll(
        new TextEndpoints(
                models, body, settings.maximumRows, settings.maximumTokens, asking, metrics)
            .routes());
    routes.addAll(
        new OpenAiEndpoints(models, body, settings.maximumTokens, asking, metrics, settings.clock)
            .routes());
    routes.addAll(deployments.routes());
    routes.addAll(new MonitorEndpoints(models).routes());
    routes.addAll(new FeedbackEndpoints(models, body).routes());
    settings.registry.ifPresent(
        from -> {
          routes.addAll(new RegistryEndpoints(from, body).routes());
          routes.addAll(new JobEndpoints(from).routes());
          routes.addAll(new RolloutEndpoints(from, body, events).routes());
        });
    routes.addAll(live.routes());
    routes.add(Route.get("/health", ctx -> health(ctx, "up")).forEverybody());
    routes.add(Route.get("/health/ready", ctx -> health(ctx, "ready")).forEverybody());
    routes.add(
        Route.get(
            "/metrics", ctx -> ctx.contentType(ServerMetrics.CONTENT_TYPE).result(metrics.text())));
    routes.addAll(docs.routes());
    docs.describe(routes);

    Roles roles =
        settings
            .registry
            .<Roles>map(from -> new RegistryRoles(from, System::nanoTime))
            .orElse((who, what, model) -> true);
    AccessGate gate = new AccessGate(settings.access, roles);
    RequestLog log = new RequestLog(metrics, name -> models.named(name).isPresent());
    HttpInterface http =
        new HttpInterface(
            listener,
            threads,
            gate,
            routes,
            live,
            new PredictionHandler(predictions, body, asking, gate, log),
            log);
    Javalin javalin;
    try {
      javalin = http.create();
    } catch (RuntimeException | Error e) {
      deadlines.close();
      metrics.close();
      throw e;
    }
    return new Assembly(
        javalin,
        models,
        deployments,
        events,
        TrafficReport.start(models, events, settings.trafficInterval),
        deadlines,
        metrics,
        List.copyOf(routes));
  }

  private static void health(Context ctx, String status) {
    StrictJson.send(ctx, StrictJson.object().put("status", status));
  }

  /** Frees everything but Javalin, which has been stopped by then. */
  void close() {
    events.close();
    traffic.close();
    deadlines.close();
    try {
      deployments.close();
    } finally {
      models.closeOwned();
      metrics.close();
    }
  }
}
