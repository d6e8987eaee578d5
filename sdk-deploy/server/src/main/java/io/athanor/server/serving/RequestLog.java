package io.athanor.server.serving;

import io.athanor.server.http.HttpProblem;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts requests and writes a line of each into the access log, without bodies. Thread-safe. */
public final class RequestLog {
  private static final Logger ACCESS = LoggerFactory.getLogger("io.athanor.server.access");

  private final ServerMetrics metrics;
  private final Predicate<String> served;

  /**
   * @param served whether a model of a name is served
   */
  public RequestLog(ServerMetrics metrics, Predicate<String> served) {
    this.metrics = metrics;
    this.served = served;
  }

  /**
   * Records a request that was answered.
   *
   * @param route the template of its path
   * @param name of the model in its path, empty if there is none
   */
  public void record(
      String id, String method, String path, String route, String name, int status, long nanos) {
    String model = served.test(name) ? name : ""; // callers cannot make up series
    metrics.request(route, model, status, nanos);
    if (ACCESS.isInfoEnabled()) {
      ACCESS
          .atInfo()
          .addKeyValue("id", id)
          .addKeyValue("method", method)
          .addKeyValue("path", HttpProblem.brief(path))
          .addKeyValue("status", status)
          .addKeyValue("millis", nanos / 1e6)
          .log("request");
    }
  }
}
