package io.athanor.server.monitoring;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.data.Task;
import io.athanor.api.registry.Permission;
import io.athanor.deploy.monitor.Feedback;
import io.athanor.deploy.monitor.Opinion;
import io.athanor.server.access.Caller;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestBody;
import io.athanor.server.http.RequestFields;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.athanor.server.serving.ServedModels;
import io.javalin.http.Context;
import java.util.List;

/**
 * What people say of the answers of watched models. Whoever may ask a model may say so; erasing
 * what is kept of somebody asks for DELETE. Thread-safe.
 */
public final class FeedbackEndpoints {
  private static final String PATH = "/v1/models/{name}/feedback";

  private final ServedModels models;
  private final RequestBody body;

  public FeedbackEndpoints(ServedModels models, RequestBody body) {
    this.models = models;
    this.body = body;
  }

  public List<Route> routes() {
    return List.of(Route.post(PATH, this::give), Route.post(PATH + "/erase", this::erase));
  }

  private ServedModels.Entry entry(Context ctx) {
    return models.find(ctx.pathParam("name"), Caller.of(ctx)).entry();
  }

  private RequestFields fields(Context ctx) {
    return new RequestFields(StrictJson.parse(body.read(ctx.req())), 422);
  }

  private void give(Context ctx) {
    ServedModels.Entry entry = entry(ctx);
    var monitor = entry.monitor();
    RequestFields fields = fields(ctx);
    String answer = fields.text("answer");
    Feedback feedback =
        consented(fields, Feedback.of(answer, opinion(fields, entry.model().task())));
    fields.requireNoMore();
    boolean kept = monitor.give(feedback);
    StrictJson.send(ctx, StrictJson.object().put("answer", answer).put("kept", kept));
  }

  private static Opinion opinion(RequestFields fields, Task task) {
    String kind = fields.text("opinion");
    return switch (kind) {
      case "accepted" -> new Opinion.Accepted();
      case "rejected" -> new Opinion.Rejected();
      case "corrected" -> new Opinion.Corrected(right(fields, task));
      case "rated" ->
          new Opinion.Rated(
              (int)
                  fields
                      .integer("stars", 1, 5)
                      .orElseThrow(
                          () -> fields.wrong("stars", "a whole number from 1 to 5", null)));
      default ->
          throw new HttpProblem(
                  422,
                  "'opinion' must be accepted, rejected, corrected or rated, got '" + kind + "'")
              .with("param", "opinion");
    };
  }

  private static Object right(RequestFields fields, Task task) {
    JsonNode right = fields.node("right").orElse(null);
    if (task instanceof Task.Regression) {
      if (right == null || !right.isNumber() || !Double.isFinite(right.doubleValue())) {
        throw fields.wrong("right", "a number, the value that is right", right);
      }
      return right.doubleValue();
    }
    if (right == null || !right.isTextual() || right.textValue().isEmpty()) {
      throw fields.wrong("right", "a string that is not empty, the answer that is right", right);
    }
    return right.textValue();
  }

  /** Whether something may be kept is never guessed: it must be said. */
  private static Feedback consented(RequestFields fields, Feedback feedback) {
    if (fields.node("consent").isEmpty()) {
      throw fields.wrong(
          "consent",
          "true, with the 'subject' whose question may be kept, or false, and then this only"
              + " counts",
          null);
    }
    if (!fields.flag("consent")) {
      return feedback;
    }
    String subject = subject(fields);
    return feedback.withConsentOf(subject);
  }

  private static String subject(RequestFields fields) {
    String subject = fields.text("subject");
    if (subject.isBlank()) {
      throw new HttpProblem(422, "'subject' must not be blank").with("param", "subject");
    }
    return subject;
  }

  /** By POST, since a subject in the path would end up in logs. */
  private void erase(Context ctx) {
    ServedModels.Entry entry = entry(ctx);
    Caller.of(ctx).require(Permission.DELETE, entry.model().name());
    var monitor = entry.monitor();
    RequestFields fields = fields(ctx);
    String subject = subject(fields);
    fields.requireNoMore();
    StrictJson.send(ctx, StrictJson.object().put("erased", monitor.erase(subject)));
  }
}
