package io.athanor.server.serving;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.server.access.Caller;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.javalin.http.Context;
import java.util.List;

/** Which models are served. Thread-safe. */
public final class ModelEndpoints {
  private final ServedModels models;

  public ModelEndpoints(ServedModels models) {
    this.models = models;
  }

  public List<Route> routes() {
    return List.of(
        Route.get("/v1/models", this::list), Route.get("/v1/models/{name}", this::describe));
  }

  /** One answer for our callers and for OpenAI's. */
  private void list(Context ctx) {
    ObjectNode answer = StrictJson.object().put("object", "list");
    ArrayNode data = answer.putArray("data");
    ArrayNode ours = answer.putArray("models");
    for (ServedModels.Entry entry : models.readableBy(Caller.of(ctx))) {
      data.add(ModelDescription.card(entry.model().name(), entry.since()));
      if (entry.live() instanceof TextDeployment text) {
        text.adapters().forEach(id -> data.add(ModelDescription.card(id, entry.since())));
      }
      ours.addObject()
          .put("name", entry.model().name())
          .put("version", entry.model().version())
          .put("task", ModelDescription.taskName(entry.model().task()));
    }
    StrictJson.send(ctx, answer);
  }

  private void describe(Context ctx) {
    ServedModels.Asked asked = models.find(ctx.pathParam("name"), Caller.of(ctx));
    ObjectNode answer = ModelDescription.of(asked.entry());
    asked.adapter().ifPresent(id -> answer.put("id", id).put("adapter", id));
    StrictJson.send(ctx, answer);
  }
}
