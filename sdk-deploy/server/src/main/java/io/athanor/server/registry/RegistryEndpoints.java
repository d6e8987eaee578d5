package io.athanor.server.registry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.registry.AliasMove;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.SearchPage;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.AliasChange;
import io.athanor.registry.Deletion;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestBody;
import io.athanor.server.http.RequestFields;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.javalin.http.Context;
import java.util.List;
import java.util.Optional;

/** The registry's models: what there is, and its aliases. Thread-safe. */
public final class RegistryEndpoints {
  private static final String MODEL = "/v1/registry/models/{name}";

  private final ModelRegistry registry;
  private final RequestBody body;

  public RegistryEndpoints(ModelRegistry registry, RequestBody body) {
    this.registry = registry;
    this.body = body;
  }

  public List<Route> routes() {
    return List.of(
        Route.get("/v1/registry/models", this::list),
        Route.get(MODEL, this::model),
        Route.get(MODEL + "/versions/{version}", this::version),
        Route.delete(MODEL + "/versions/{version}", this::delete),
        Route.put(MODEL + "/aliases/{alias}", this::promote),
        Route.delete(MODEL + "/aliases/{alias}", this::withdraw),
        Route.get("/v1/registry/search", this::search),
        Route.get("/v1/registry/compare", this::compare));
  }

  private ModelRegistry reading(Context ctx) {
    return RegistryView.of(registry, ctx, Permission.READ);
  }

  private void list(Context ctx) {
    ObjectNode answer = StrictJson.object();
    reading(ctx).models().forEach(answer.putArray("models")::add);
    StrictJson.send(ctx, answer);
  }

  private void model(Context ctx) {
    ModelRegistry view = reading(ctx);
    String name = RegistryView.name(ctx);
    ObjectNode answer = StrictJson.object().put("name", name);
    ArrayNode versions = answer.putArray("versions");
    view.versions(name).forEach(version -> versions.add(VersionJson.brief(version)));
    ObjectNode aliases = answer.putObject("aliases");
    view.aliases(name).forEach((alias, id) -> aliases.put(alias, id.number()));
    StrictJson.send(ctx, answer);
  }

  private static ModelVersion asked(ModelRegistry view, Context ctx) {
    return new RegistryView(view).version(ctx.pathParam("name"), ctx.pathParam("version"));
  }

  private void version(Context ctx) {
    StrictJson.send(ctx, VersionJson.full(asked(reading(ctx), ctx)));
  }

  private void search(Context ctx) {
    SearchPage page = reading(ctx).search(SearchQueryString.read(ctx));
    ObjectNode answer = StrictJson.object().put("offset", page.offset()).put("total", page.total());
    ArrayNode versions = answer.putArray("versions");
    page.versions().forEach(version -> versions.add(VersionJson.full(version)));
    StrictJson.send(ctx, answer);
  }

  private void compare(Context ctx) {
    ModelRegistry view = reading(ctx);
    ModelVersion first = compared(view, ctx, "first");
    ModelVersion second = compared(view, ctx, "second");
    StrictJson.send(ctx, VersionJson.comparison(view.compare(first, second)));
  }

  private static ModelVersion compared(ModelRegistry view, Context ctx, String parameter) {
    String id = ctx.queryParam(parameter);
    return new RegistryView(view).version(parameter, id == null ? "" : id, 400);
  }

  private void delete(Context ctx) {
    boolean planOnly = planOnly(ctx);
    ModelRegistry view =
        RegistryView.of(registry, ctx, planOnly ? Permission.READ : Permission.DELETE);
    Deletion deletion = view.delete(asked(view, ctx));
    Deletion.Plan plan = deletion.plan();
    if (!planOnly) {
      deletion.apply();
    }
    ObjectNode answer =
        StrictJson.object()
            .put("version", plan.version().id().toString())
            .put("applied", !planOnly)
            .put("possible", plan.possible());
    plan.aliases().forEach(answer.putArray("aliases")::add);
    ArrayNode children = answer.putArray("children");
    plan.children().forEach(child -> children.add(child.toString()));
    ArrayNode deployments = answer.putArray("deployments");
    plan.deployments().forEach(live -> deployments.add(live.toString()));
    ArrayNode rollouts = answer.putArray("rollouts");
    plan.rollouts().forEach(rollout -> rollouts.add(rollout.toString()));
    plan.keptFor().forEach(answer.putArray("keptFor")::add);
    StrictJson.send(ctx, answer);
  }

  /** {@code ?plan=true} shows what would happen and changes nothing. */
  static boolean planOnly(Context ctx) {
    String plan = ctx.queryParam("plan");
    if (plan == null || plan.equals("false")) {
      return false;
    }
    if (plan.equals("true")) {
      return true;
    }
    throw new HttpProblem(400, "'plan' must be true or false, got '" + plan + "'")
        .with("param", "plan");
  }

  private void promote(Context ctx) {
    boolean planOnly = planOnly(ctx);
    ModelRegistry view = changing(ctx, planOnly);
    RequestFields fields = new RequestFields(StrictJson.parse(body.read(ctx.req())), 422);
    int number =
        (int)
            fields
                .integer("version", 1, Integer.MAX_VALUE)
                .orElseThrow(() -> fields.wrong("version", "the number of a version", null));
    Optional<String> reason = fields.optionalText("reason").filter(text -> !text.isBlank());
    Optional<String> override = fields.optionalText("override").filter(text -> !text.isBlank());
    fields.requireNoMore();
    ModelVersion version = view.version(RegistryView.name(ctx), number);
    AliasChange change = view.promote(version, alias(ctx));
    if (reason.isPresent()) {
      change = change.because(reason.get());
    }
    if (override.isPresent()) {
      change = change.overriding(override.get());
    }
    send(ctx, change, planOnly);
  }

  private void withdraw(Context ctx) {
    boolean planOnly = planOnly(ctx);
    AliasChange change = changing(ctx, planOnly).withdraw(RegistryView.name(ctx), alias(ctx));
    send(ctx, change, planOnly);
  }

  private ModelRegistry changing(Context ctx, boolean planOnly) {
    return RegistryView.of(registry, ctx, planOnly ? Permission.READ : Permission.PROMOTE);
  }

  private static String alias(Context ctx) {
    return RegistryView.requireName("alias", ctx.pathParam("alias"));
  }

  private static void send(Context ctx, AliasChange change, boolean planOnly) {
    AliasChange.Plan plan = change.plan();
    ObjectNode answer =
        StrictJson.object()
            .put("model", plan.model())
            .put("alias", plan.alias())
            .put("applied", !planOnly);
    if (planOnly) {
      points(answer, plan.from(), plan.to());
      plan.refusals().forEach(answer.putArray("refusals")::add);
    } else {
      AliasMove move = change.apply();
      points(answer, move.from(), move.to());
      answer.put("at", move.at().toString()).put("reason", move.reason());
    }
    plan.warnings().forEach(answer.putArray("warnings")::add);
    StrictJson.send(ctx, answer);
  }

  private static void points(ObjectNode answer, Optional<VersionId> from, Optional<VersionId> to) {
    from.ifPresent(id -> answer.put("from", id.number()));
    to.ifPresent(id -> answer.put("to", id.number()));
  }
}
