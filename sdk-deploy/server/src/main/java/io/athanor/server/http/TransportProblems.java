package io.athanor.server.http;

import java.nio.ByteBuffer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;

/**
 * Answers what never reached a handler: requests that are not HTTP, too long headers, draining.
 * Says nothing of the cause, which may hold what the caller sent or how we are built.
 */
final class TransportProblems extends ErrorHandler {
  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    int status = response.getStatus() >= 400 ? response.getStatus() : 500;
    HttpProblem problem = new HttpProblem(status, detail(status));
    response.setStatus(status);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, HttpProblem.CONTENT_TYPE);
    response.write(true, ByteBuffer.wrap(problem.body()), callback);
    return true;
  }

  private static String detail(int status) {
    if (status == 503) {
      return "The server is shutting down; try another one";
    }
    return status < 500 ? "The request is not valid HTTP for this server" : "The server failed";
  }
}
