package io.athanor.server;

import io.athanor.server.access.AccessGate;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.Listener;
import io.athanor.server.http.RequestId;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.athanor.server.live.EventEndpoints;
import io.athanor.server.openai.OpenAiErrors;
import io.athanor.server.serving.PredictionHandler;
import io.athanor.server.serving.RequestLog;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import io.javalin.router.Endpoint;
import java.util.List;
import org.eclipse.jetty.util.thread.ThreadPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Routes, errors and the access log. */
final class HttpInterface {
  private static final Logger LOG = LoggerFactory.getLogger(HttpInterface.class);
  private static final String ID = "athanor.request-id";

  private final Listener listener;
  private final ThreadPool threads;
  private final AccessGate gate;
  private final List<Route> routes;
  private final EventEndpoints events;
  private final PredictionHandler predictions;
  private final RequestLog log;

  HttpInterface(
      Listener listener,
      ThreadPool threads,
      AccessGate gate,
      List<Route> routes,
      EventEndpoints events,
      PredictionHandler predictions,
      RequestLog log) {
    this.listener = listener;
    this.threads = threads;
    this.gate = gate;
    this.routes = routes;
    this.events = events;
    this.predictions = predictions;
    this.log = log;
  }

  Javalin create() {
    return Javalin.create(this::configure);
  }

  private void configure(JavalinConfig config) {
    config.startup.showJavalinBanner = false;
    config.startup.showOldJavalinVersionWarning = false;
    config.startup.startupWatcherEnabled = false;
    config.http.prefer405over404 = true;
    config.http.asyncTimeout = 0; // answers have a time limit of their own
    config.jetty.threadPool = threads;
    config.jetty.modifyWebSocketServletFactory(sockets -> sockets.setMaxTextMessageSize(1_024));
    listener.configure(config.jetty, predictions);
    config.requestLogger.http(this::log);
    config.router.javaLangErrorHandler(
        (response, error) -> {
          LOG.error("A request ended in an error", error);
          response.setStatus(500);
        });
    add(config.routes);
    errors(config.routes);
  }

  private void add(RoutesConfig config) {
    config.before(HttpInterface::identify);
    for (Route route : routes) {
      config.addEndpoint(
          new Endpoint(
              route.method(),
              route.path(),
              ctx -> {
                if (!route.open()) {
                  gate.admit(ctx);
                }
                route.handler().handle(ctx);
              }));
    }
    config.wsBeforeUpgrade(EventEndpoints.PATH, gate::admit);
    config.ws(EventEndpoints.PATH, events::webSocket);
  }

  private static void identify(Context ctx) {
    String id = RequestId.of(ctx.header(RequestId.HEADER));
    ctx.attribute(ID, id);
    ctx.header(RequestId.HEADER, id);
  }

  private static void errors(RoutesConfig config) {
    config.exception(
        HttpResponseException.class,
        (e, ctx) -> {
          HttpProblem problem = new HttpProblem(e.getStatus(), detail(e, ctx));
          String methods = e.getDetails().get("availableMethods");
          send(methods == null ? problem : problem.header("Allow", methods), ctx);
        });
    config.exception(Exception.class, (e, ctx) -> send(HttpProblem.of(e, id(ctx)), ctx));
  }

  private static String detail(HttpResponseException e, Context ctx) {
    if (e.getStatus() == HttpStatus.NOT_FOUND.getCode()) {
      return "Nothing is at this path; GET /openapi.json describes what there is";
    }
    if (e.getStatus() == HttpStatus.METHOD_NOT_ALLOWED.getCode()) {
      return ctx.method() + " is not allowed here; allowed is " + e.getDetails().values();
    }
    return "The request cannot be served";
  }

  private static void send(HttpProblem problem, Context ctx) {
    problem.headers().forEach(ctx::header);
    if (OpenAiErrors.areFor(ctx.path())) {
      ctx.status(OpenAiErrors.status(problem));
      StrictJson.send(ctx, OpenAiErrors.json(problem));
      return;
    }
    problem.with("requestId", id(ctx));
    ctx.status(problem.status()).contentType(HttpProblem.CONTENT_TYPE).result(problem.body());
  }

  private static String id(Context ctx) {
    String id = ctx.attribute(ID);
    return id == null ? "none" : id;
  }

  private void log(Context ctx, float millis) {
    log.record(
        id(ctx),
        ctx.method().name(),
        ctx.req().getRequestURI(),
        ctx.endpoint().path,
        ctx.pathParamMap().getOrDefault("name", ""),
        ctx.statusCode(),
        (long) (millis * 1e6));
  }
}
