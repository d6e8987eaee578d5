package io.athanor.server.serving;

import io.athanor.api.deploy.Answer;
import io.athanor.server.access.AccessGate;
import io.athanor.server.access.Caller;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestBody;
import io.athanor.server.http.RequestId;
import java.nio.ByteBuffer;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpHeaderValue;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Answers predictions of one row on Jetty itself, where a request costs much less than behind
 * servlets; everything else goes on to the next handler. Thread-safe.
 */
public final class PredictionHandler extends Handler.Wrapper {
  static final String ROUTE = "/v1/models/{name}/predict";

  private static final String BEFORE_NAME = "/v1/models/";
  private static final String AFTER_NAME = "/predict";

  private final PredictionEndpoints predictions;
  private final RequestBody body;
  private final Asking asking;
  private final AccessGate gate;
  private final RequestLog log;

  public PredictionHandler(
      PredictionEndpoints predictions,
      RequestBody body,
      Asking asking,
      AccessGate gate,
      RequestLog log) {
    this.predictions = predictions;
    this.body = body;
    this.asking = asking;
    this.gate = gate;
    this.log = log;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    String name = name(request);
    if (name == null) {
      return super.handle(request, response, callback);
    }
    HttpFields headers = request.getHeaders();
    Exchange exchange =
        new Exchange(
            name,
            RequestId.of(headers.get(RequestId.HEADER)),
            System.nanoTime(),
            request,
            response,
            callback);
    try {
      Caller caller = gate.admit(headers::get);
      PredictionEndpoints.Begun begun = predictions.begin(name, caller, () -> body.read(request));
      request.addIdleTimeoutListener(e -> false); // answers have a time limit of their own
      var unused =
          asking
              .within(begun.answer())
              .whenComplete((done, failure) -> answered(exchange, begun, done, failure));
    } catch (RuntimeException e) {
      refuse(exchange, e);
    }
    return true;
  }

  /** The model's, or null if the request is not for here. */
  private static @Nullable String name(Request request) {
    String path = request.getHttpURI().getPath();
    if (path == null
        || !path.startsWith(BEFORE_NAME)
        || !path.endsWith(AFTER_NAME)
        || path.length() <= BEFORE_NAME.length() + AFTER_NAME.length()
        || !HttpMethod.POST.is(request.getMethod())) {
      return null;
    }
    String name = path.substring(BEFORE_NAME.length(), path.length() - AFTER_NAME.length());
    return name.chars().allMatch(c -> c != '/' && c != '%' && c != ';') ? name : null;
  }

  private void answered(
      Exchange exchange,
      PredictionEndpoints.Begun begun,
      @Nullable Answer answer,
      @Nullable Throwable failure) {
    if (answer == null) {
      refuse(exchange, failure);
      return;
    }
    byte[] content;
    try {
      content = begun.json(answer);
    } catch (RuntimeException | Error e) {
      refuse(exchange, e);
      return;
    }
    send(exchange, 200, "application/json", content);
  }

  private void refuse(Exchange exchange, @Nullable Throwable failure) {
    HttpProblem problem = HttpProblem.of(failure, exchange.id).with("requestId", exchange.id);
    problem.headers().forEach((name, value) -> exchange.response.getHeaders().put(name, value));
    if (!exchange.request.consumeAvailable()) { // what is still to come is not the next request
      exchange.response.getHeaders().put(HttpHeader.CONNECTION, HttpHeaderValue.CLOSE);
    }
    send(exchange, problem.status(), HttpProblem.CONTENT_TYPE, problem.body());
  }

  private void send(Exchange exchange, int status, String type, byte[] content) {
    Response response = exchange.response;
    response.setStatus(status);
    response
        .getHeaders()
        .put(RequestId.HEADER, exchange.id)
        .put(HttpHeader.CONTENT_TYPE, type)
        .put(HttpHeader.CONTENT_LENGTH, content.length);
    response.write(true, ByteBuffer.wrap(content), exchange.callback);
    log.record(
        exchange.id,
        exchange.request.getMethod(),
        exchange.request.getHttpURI().getPath(),
        ROUTE,
        exchange.name,
        status,
        System.nanoTime() - exchange.began);
  }

  /** A request and how it is answered. */
  private record Exchange(
      String name, String id, long began, Request request, Response response, Callback callback) {}
}
