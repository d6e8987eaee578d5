package io.athanor.server.registry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.registry.Permission;
import io.athanor.deploy.rollout.RolloutControl;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.access.Caller;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestBody;
import io.athanor.server.http.RequestFields;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.athanor.server.live.LiveEvents;
import io.javalin.http.Context;
import java.util.List;
import java.util.function.BiFunction;

/**
 * Rollouts whose state the registry keeps, wherever their traffic is: where they stand, and what
 * people may do with them. Thread-safe.
 */
public final class RolloutEndpoints {
  private static final String ONE = "/v1/rollouts/{name}/{alias}";

  private final ModelRegistry registry;
  private final RequestBody body;
  private final LiveEvents events;

  public RolloutEndpoints(ModelRegistry registry, RequestBody body, LiveEvents events) {
    this.registry = registry;
    this.body = body;
    this.events = events;
  }

  public List<Route> routes() {
    return List.of(
        Route.get("/v1/rollouts", this::list),
        Route.get(ONE, ctx -> StrictJson.send(ctx, json(control(ctx, Permission.READ).state()))),
        Route.post(ONE + "/promote", ctx -> steer(ctx, RolloutControl::promote)),
        Route.post(ONE + "/rollback", ctx -> steer(ctx, RolloutControl::rollBack)),
        Route.post(ONE + "/advance", ctx -> steer(ctx, RolloutControl::advance)),
        Route.post(ONE + "/pause", ctx -> steer(ctx, RolloutControl::pause)),
        Route.post(ONE + "/resume", ctx -> steer(ctx, RolloutControl::resume)));
  }

  private void list(Context ctx) {
    Caller caller = Caller.of(ctx);
    ModelRegistry view = RegistryView.of(registry, ctx, Permission.READ);
    ObjectNode answer = StrictJson.object();
    ArrayNode all = answer.putArray("rollouts");
    view.rollouts().all().stream()
        .filter(state -> caller.may(Permission.READ, state.model()))
        .forEach(state -> all.add(json(state)));
    StrictJson.send(ctx, answer);
  }

  private RolloutControl control(Context ctx, Permission permission) {
    ModelRegistry view = RegistryView.of(registry, ctx, permission);
    String alias = RegistryView.requireName("alias", ctx.pathParam("alias"));
    return RolloutControl.of(view.rollouts(), RegistryView.name(ctx), alias, view.principal());
  }

  private void steer(Context ctx, BiFunction<RolloutControl, String, RolloutState> action) {
    RolloutControl control = control(ctx, Permission.PROMOTE);
    RequestFields fields = new RequestFields(StrictJson.parse(body.read(ctx.req())), 422);
    String reason = fields.text("reason");
    fields.requireNoMore();
    if (reason.isBlank()) {
      throw new HttpProblem(422, "'reason' must say something").with("param", "reason");
    }
    RolloutState state = action.apply(control, reason);
    events.publish("rollout", state.model(), json(state));
    StrictJson.send(ctx, json(state));
  }

  private static ObjectNode json(RolloutState state) {
    ObjectNode json =
        StrictJson.object()
            .put("model", state.model())
            .put("alias", state.alias())
            .put("champion", state.champion())
            .put("candidate", state.candidate())
            .put("phase", JsonFields.lower(state.phase()))
            .put("step", state.step())
            .put("begun", state.begun().toString())
            .put("changed", state.changed().toString())
            .put("by", state.by().name())
            .put("reason", state.reason())
            .put("revision", state.revision());
    json.set("strategy", StrictJson.parse(state.strategy()));
    return json;
  }
}
