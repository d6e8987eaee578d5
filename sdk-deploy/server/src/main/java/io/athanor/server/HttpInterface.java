package io.athanor.server;

import io.athanor.api.error.AthanorException;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import java.time.Duration;
import java.util.UUID;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Routes, errors and the access log. */
final class HttpInterface {
  private static final Logger LOG = LoggerFactory.getLogger(HttpInterface.class);
  private static final Logger ACCESS = LoggerFactory.getLogger("io.athanor.server.access");
  private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");
  private static final String ID_HEADER = "X-Request-Id";
  private static final String ID = "athanor.request-id";

  private final Listener listener;
  private final ModelEndpoints models;
  private final ServerMetrics metrics;

  HttpInterface(Listener listener, ModelEndpoints models, ServerMetrics metrics) {
    this.listener = listener;
    this.models = models;
    this.metrics = metrics;
  }

  Javalin create() {
    return Javalin.create(this::configure);
  }

  private void configure(JavalinConfig config) {
    config.startup.showJavalinBanner = false;
    config.startup.showOldJavalinVersionWarning = false;
    config.startup.startupWatcherEnabled = false;
    config.http.prefer405over404 = true;
    listener.configure(config.jetty);
    config.requestLogger.http(this::log);
    config.router.javaLangErrorHandler(
        (response, error) -> {
          LOG.error("A request ended in an error", error);
          response.setStatus(500);
        });
    routes(config.routes);
    errors(config.routes);
  }

  private void routes(RoutesConfig routes) {
    routes.before(HttpInterface::identify);
    routes.get("/v1/models", models::list);
    routes.get("/v1/models/{name}", models::describe);
    routes.post("/v1/models/{name}/predict", models::predict);
    routes.post("/v1/models/{name}/batch", models::batch);
    routes.get("/health", ctx -> health(ctx, "up"));
    routes.get("/health/ready", ctx -> health(ctx, "ready"));
    routes.get(
        "/metrics", ctx -> ctx.contentType(ServerMetrics.CONTENT_TYPE).result(metrics.text()));
  }

  private static void health(Context ctx, String status) {
    ctx.contentType("application/json").result(Json.write(Json.object().put("status", status)));
  }

  private static void identify(Context ctx) {
    String given = ctx.header(ID_HEADER);
    String id =
        given != null && REQUEST_ID.matcher(given).matches() ? given : UUID.randomUUID().toString();
    ctx.attribute(ID, id);
    ctx.header(ID_HEADER, id);
  }

  private static void errors(RoutesConfig routes) {
    routes.exception(Problem.class, HttpInterface::send);
    routes.exception(
        HttpResponseException.class,
        (e, ctx) -> {
          Problem problem = new Problem(e.getStatus(), detail(e, ctx));
          String methods = e.getDetails().get("availableMethods");
          send(methods == null ? problem : problem.header("Allow", methods), ctx);
        });
    routes.exception(AthanorException.class, HttpInterface::fail);
    routes.exception(Exception.class, HttpInterface::fail);
  }

  private static String detail(HttpResponseException e, Context ctx) {
    if (e.getStatus() == HttpStatus.NOT_FOUND.getCode()) {
      return "Nothing is at this path; GET /v1/models lists the models";
    }
    if (e.getStatus() == HttpStatus.METHOD_NOT_ALLOWED.getCode()) {
      return ctx.method() + " is not allowed here; allowed is " + e.getDetails().values();
    }
    return "The request cannot be served";
  }

  /** A failure of ours: the caller gets the request's id, the log gets the rest. */
  private static void fail(Exception e, Context ctx) {
    LOG.error("Request {} failed", id(ctx), e);
    send(new Problem(500, "The server failed; its log says why, at request " + id(ctx)), ctx);
  }

  private static void send(Problem problem, Context ctx) {
    problem.headers().forEach(ctx::header);
    problem.with("requestId", id(ctx));
    ctx.status(problem.status()).contentType(Problem.CONTENT_TYPE).result(problem.body());
  }

  private static String id(Context ctx) {
    String id = ctx.attribute(ID);
    return id == null ? "none" : id;
  }

  private void log(Context ctx, float millis) {
    String route = ctx.endpoint().path;
    String model = ctx.statusCode() == 404 ? "" : ctx.pathParamMap().getOrDefault("name", "");
    metrics.request(route, model, ctx.statusCode(), Duration.ofNanos((long) (millis * 1e6)));
    ACCESS
        .atInfo()
        .addKeyValue("id", id(ctx))
        .addKeyValue("method", ctx.method())
        .addKeyValue("path", Problem.brief(ctx.req().getRequestURI()))
        .addKeyValue("status", ctx.statusCode())
        .addKeyValue("millis", millis)
        .log("request");
  }
}
