package io.athanor.server.registry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.registry.DeploymentRecord;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.access.Caller;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestBody;
import io.athanor.server.http.RequestFields;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.athanor.server.live.LiveEvents;
import io.athanor.server.live.TrafficReport;
import io.athanor.server.serving.ServedModels;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What is deployed on this server; with a registry, versions of it can be deployed and taken down.
 * One such change happens at a time. Thread-safe.
 */
public final class DeploymentEndpoints implements AutoCloseable {
  private static final String ONE = "/v1/deployments/{name}";

  private final ServedModels models;
  private final LiveEvents events;
  private final RequestBody body;
  private final Optional<Source> source;
  private final Map<String, Recorded> recorded = new HashMap<>();

  /**
   * Where versions come from.
   *
   * @param registry has them
   * @param deployer loads them
   * @param environment for the registry's record of deployments
   * @param target likewise
   */
  public record Source(
      ModelRegistry registry,
      Function<ModelVersion, LiveModel> deployer,
      String environment,
      String target) {}

  private record Recorded(ModelRegistry registry, DeploymentRecord record) {}

  public DeploymentEndpoints(
      ServedModels models, LiveEvents events, RequestBody body, Optional<Source> source) {
    this.models = models;
    this.events = events;
    this.body = body;
    this.source = source;
  }

  public List<Route> routes() {
    List<Route> routes = new ArrayList<>();
    routes.add(Route.get("/v1/deployments", this::list));
    routes.add(Route.get(ONE, this::one));
    source.ifPresent(
        from -> {
          routes.add(Route.post("/v1/deployments", ctx -> deploy(ctx, from)));
          routes.add(Route.delete(ONE, this::undeploy));
        });
    return routes;
  }

  private void list(Context ctx) {
    ObjectNode answer = StrictJson.object();
    ArrayNode all = answer.putArray("deployments");
    models.readableBy(Caller.of(ctx)).forEach(entry -> all.add(json(entry)));
    StrictJson.send(ctx, answer);
  }

  private void one(Context ctx) {
    StrictJson.send(ctx, json(models.findModel(ctx.pathParam("name"), Caller.of(ctx))));
  }

  private static ObjectNode json(ServedModels.Entry entry) {
    DeploymentStats stats = entry.live().stats();
    long asked = stats.answered() + stats.failed();
    ObjectNode json =
        StrictJson.object()
            .put("name", entry.model().name())
            .put("version", entry.model().version())
            .put("kind", entry.kind())
            .put("since", entry.since().toString())
            .put("errorRate", asked == 0 ? 0 : (double) stats.failed() / asked);
    json.set("stats", TrafficReport.json(stats));
    return json;
  }

  private synchronized void deploy(Context ctx, Source from) {
    boolean planOnly = RegistryEndpoints.planOnly(ctx);
    ModelRegistry view =
        RegistryView.of(from.registry(), ctx, planOnly ? Permission.READ : Permission.UPDATE);
    RequestFields fields = new RequestFields(StrictJson.parse(body.read(ctx.req())), 422);
    String id = fields.text("model");
    fields.requireNoMore();
    ModelVersion version = new RegistryView(view).version("model", id, 422);
    Optional<ServedModels.Entry> present = models.named(version.name());
    ObjectNode answer =
        StrictJson.object()
            .put("name", version.name())
            .put("version", Integer.toString(version.number()))
            .put("digest", version.digest().toString())
            .put("bytes", version.bytes())
            .put("applied", !planOnly);
    present.ifPresent(entry -> answer.put("replaces", entry.model().toString()));
    if (present.isPresent() && !present.get().owned()) {
      throw new HttpProblem(
          409,
          "'"
              + version.name()
              + "' is served by the application that runs this server; only it can change that");
    }
    if (!planOnly) {
      DeploymentRecord record =
          view.deployments().begin(version, from.environment(), from.target());
      replace(version, load(version, from, view, record), new Recorded(view, record));
      ctx.status(201);
    }
    StrictJson.send(ctx, answer);
  }

  private static LiveModel load(
      ModelVersion version, Source from, ModelRegistry view, DeploymentRecord record) {
    try {
      return from.deployer().apply(version);
    } catch (RuntimeException e) {
      view.deployments().end(record);
      throw e;
    }
  }

  private void replace(ModelVersion version, LiveModel live, Recorded record) {
    Optional<ServedModels.Entry> before = models.put(live, true);
    Recorded old = recorded.put(version.name(), record);
    events.publish(
        "deployed", version.name(), StrictJson.object().put("version", live.model().version()));
    before.ifPresent(entry -> entry.live().close());
    if (old != null && old.record().number() != record.record().number()) {
      old.registry().deployments().end(old.record());
    }
  }

  private synchronized void undeploy(Context ctx) {
    boolean planOnly = RegistryEndpoints.planOnly(ctx);
    Caller caller = Caller.of(ctx);
    ServedModels.Entry entry = models.findModel(ctx.pathParam("name"), caller);
    String name = entry.model().name();
    if (!planOnly) {
      caller.require(Permission.UPDATE, name);
    }
    if (!entry.owned()) {
      throw new HttpProblem(
          409,
          "'"
              + name
              + "' is served by the application that runs this server; only it can end that");
    }
    ObjectNode answer =
        StrictJson.object()
            .put("name", name)
            .put("version", entry.model().version())
            .put("waiting", entry.live().stats().waiting())
            .put("applied", !planOnly);
    if (!planOnly) {
      models.remove(name);
      events.publish(
          "undeployed", name, StrictJson.object().put("version", entry.model().version()));
      entry.live().close();
      end(recorded.remove(name));
    }
    StrictJson.send(ctx, answer);
  }

  private static void end(@Nullable Recorded record) {
    if (record != null) {
      record.registry().deployments().end(record.record());
    }
  }

  /** Tells the registry that nothing is deployed here any more. */
  @Override
  public synchronized void close() {
    recorded.values().forEach(DeploymentEndpoints::end);
    recorded.clear();
  }
}
