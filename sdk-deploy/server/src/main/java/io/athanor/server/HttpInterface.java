package io.athanor.server;

import io.athanor.api.error.AthanorException;
import io.athanor.server.access.AccessGate;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.Listener;
import io.athanor.server.http.RandomId;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.athanor.server.live.EventEndpoints;
import io.athanor.server.openai.OpenAiErrors;
import io.athanor.server.serving.ServerMetrics;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import io.javalin.router.Endpoint;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.eclipse.jetty.util.thread.ThreadPool;
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
  private final ThreadPool threads;
  private final AccessGate gate;
  private final List<Route> routes;
  private final EventEndpoints events;
  private final ServerMetrics metrics;
  private final Predicate<String> served;

  HttpInterface(
      Listener listener,
      ThreadPool threads,
      AccessGate gate,
      List<Route> routes,
      EventEndpoints events,
      ServerMetrics metrics,
      Predicate<String> served) {
    this.listener = listener;
    this.threads = threads;
    this.gate = gate;
    this.routes = routes;
    this.events = events;
    this.metrics = metrics;
    this.served = served;
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
    listener.configure(config.jetty);
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
    String given = ctx.header(ID_HEADER);
    String id = given != null && REQUEST_ID.matcher(given).matches() ? given : RandomId.quick();
    ctx.attribute(ID, id);
    ctx.header(ID_HEADER, id);
  }

  private static void errors(RoutesConfig config) {
    config.exception(HttpProblem.class, HttpInterface::send);
    config.exception(
        HttpResponseException.class,
        (e, ctx) -> {
          HttpProblem problem = new HttpProblem(e.getStatus(), detail(e, ctx));
          String methods = e.getDetails().get("availableMethods");
          send(methods == null ? problem : problem.header("Allow", methods), ctx);
        });
    config.exception(
        AthanorException.class,
        (e, ctx) -> {
          Optional<HttpProblem> known = HttpProblem.of(e);
          if (known.isPresent()) {
            send(known.get(), ctx);
          } else {
            fail(e, ctx);
          }
        });
    config.exception(
        TimeoutException.class,
        (e, ctx) ->
            send(HttpProblem.unavailable("There was no answer in time; try again later"), ctx));
    config.exception(Exception.class, HttpInterface::fail);
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

  /** A failure of ours: the caller gets the request's id, the log gets the rest. */
  private static void fail(Exception e, Context ctx) {
    LOG.error("Request {} failed", id(ctx), e);
    send(new HttpProblem(500, "The server failed; its log says why, at request " + id(ctx)), ctx);
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
    String route = ctx.endpoint().path;
    int status = ctx.statusCode();
    String name = ctx.pathParamMap().getOrDefault("name", "");
    String model = served.test(name) ? name : ""; // callers cannot make up series
    metrics.request(route, model, status, (long) (millis * 1e6));
    if (ACCESS.isInfoEnabled()) {
      ACCESS
          .atInfo()
          .addKeyValue("id", id(ctx))
          .addKeyValue("method", ctx.method())
          .addKeyValue("path", HttpProblem.brief(ctx.req().getRequestURI()))
          .addKeyValue("status", status)
          .addKeyValue("millis", millis)
          .log("request");
    }
  }
}
