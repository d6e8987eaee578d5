package io.athanor.server;

import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.InProcessDeployment;
import io.javalin.Javalin;
import io.javalin.util.JavalinException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Models over HTTP, for as long as it is open.
 *
 * <pre>{@code
 * try (var server = ModelServer.on(8080).serve(deployment).start()) {
 *   server.address();   // http://127.0.0.1:8080
 * }
 * }</pre>
 *
 * <p>It answers {@code GET /v1/models}, {@code GET /v1/models/{name}}, {@code POST
 * /v1/models/{name}/predict} with {@code {"input": ..}}, {@code POST /v1/models/{name}/batch} with
 * {@code {"inputs": [..]}}, {@code GET /health}, {@code GET /health/ready} and {@code GET
 * /metrics}; errors come as {@code application/problem+json} (RFC 9457). It speaks plain HTTP and
 * asks nobody who they are, so it listens on the loopback address unless told otherwise.
 * Thread-safe.
 */
public final class ModelServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelServer.class);

  private final Javalin javalin;
  private final String host;
  private final int port;
  private final ServerMetrics metrics;
  private final List<InProcessDeployment> owned;

  private ModelServer(
      Javalin javalin, String host, ServerMetrics metrics, List<InProcessDeployment> owned) {
    this.javalin = javalin;
    this.host = host;
    this.port = javalin.port();
    this.metrics = metrics;
    this.owned = owned;
  }

  /**
   * Begins a server.
   *
   * @param port 1 to 65,535, or 0 for any that is free
   */
  public static Builder on(int port) {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port must be 0 to 65535, got " + port);
    }
    return new Builder(port);
  }

  /** Where it listens. */
  public URI address() {
    return URI.create("http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port);
  }

  /**
   * Takes no more requests, answers those it has, and closes the deployments it opened itself;
   * twice is fine. Requests that have no answer within the drain timeout are cut off.
   */
  @Override
  public synchronized void close() {
    try {
      javalin.stop();
    } catch (JavalinException e) {
      LOG.warn("{} was closed before every request in flight had its answer", address(), e);
    } finally {
      owned.forEach(InProcessDeployment::close);
      owned.clear();
      metrics.close();
    }
  }

  /** How to serve. Not thread-safe. */
  public static final class Builder {
    private final int port;
    private String host = "127.0.0.1";
    private int bodyLimit = 1 << 20;
    private int maximumRows = 1_000;
    private int maximumConnections = 1_000;
    private Duration requestTimeout = Duration.ofSeconds(10);
    private Duration drainTimeout = Duration.ofSeconds(30);
    private final List<InProcessDeployment> deployments = new ArrayList<>();
    private final List<Supplier<InProcessDeployment>> toOpen = new ArrayList<>();

    private Builder(int port) {
      this.port = port;
    }

    /** The address to listen on; {@code 127.0.0.1} unless set. */
    public Builder host(String address) {
      this.host = address;
      return this;
    }

    /** Most bytes of a body: 1 to 1 GiB; 1 MiB unless set. */
    public Builder bodyLimit(int bytes) {
      this.bodyLimit = between("bodyLimit", 1, 1 << 30, bytes);
      return this;
    }

    /** Most rows of a batch: 1 to 100,000; 1,000 unless set. */
    public Builder maximumRows(int rows) {
      this.maximumRows = between("maximumRows", 1, 100_000, rows);
      return this;
    }

    /** Connections open at once, from 1; further ones wait to be accepted. 1,000 unless set. */
    public Builder maximumConnections(int count) {
      this.maximumConnections = between("maximumConnections", 1, Integer.MAX_VALUE, count);
      return this;
    }

    /** How long a request's body may take to arrive; 10 seconds unless set, at most an hour. */
    public Builder requestTimeout(Duration longest) {
      this.requestTimeout = upToAnHour("requestTimeout", longest);
      return this;
    }

    /** How long closing waits for requests in flight; 30 seconds unless set, at most an hour. */
    public Builder drainTimeout(Duration longest) {
      this.drainTimeout = upToAnHour("drainTimeout", longest);
      return this;
    }

    private static int between(String name, int low, int high, int value) {
      if (value < low || value > high) {
        throw new IllegalArgumentException(
            name + " must be " + low + " to " + high + ", got " + value);
      }
      return value;
    }

    private static Duration upToAnHour(String name, Duration value) {
      if (value.isNegative() || value.isZero() || value.compareTo(Duration.ofHours(1)) > 0) {
        throw new IllegalArgumentException(name + " must be above 0, up to 1 hour, got " + value);
      }
      return value;
    }

    /** Serves a deployment, which stays the caller's to close, after the server. */
    public Builder serve(InProcessDeployment deployment) {
      deployments.add(deployment);
      return this;
    }

    /** Serves a registered model, loaded when the server starts and closed with it. */
    public Builder deploy(ModelVersion version) {
      toOpen.add(() -> Deployments.inProcess().deploy(version));
      return this;
    }

    /**
     * Listens.
     *
     * @throws ValidationException if there is no model, or if two have one name
     * @throws io.athanor.api.error.AthanorException if a model cannot be loaded
     * @throws StorageException if the port is taken or the address is not this machine's; nothing
     *     stays open
     */
    public ModelServer start() {
      List<InProcessDeployment> owned = new ArrayList<>();
      ServerMetrics metrics = new ServerMetrics();
      try {
        toOpen.forEach(open -> owned.add(open.get()));
        Map<String, InProcessDeployment> all = byName(owned);
        all.values().forEach(metrics::watch);
        ModelEndpoints endpoints =
            new ModelEndpoints(all, new RequestBody(bodyLimit, requestTimeout), maximumRows);
        Listener listener =
            new Listener(host, port, maximumConnections, requestTimeout, drainTimeout);
        return new ModelServer(
            listen(new HttpInterface(listener, endpoints, metrics)), host, metrics, owned);
      } catch (RuntimeException | Error e) {
        owned.forEach(InProcessDeployment::close);
        metrics.close();
        throw e;
      }
    }

    private Javalin listen(HttpInterface http) {
      Javalin javalin = http.create();
      try {
        return javalin.start();
      } catch (JavalinException e) {
        javalin.stop();
        throw new StorageException(
            host + ":" + port,
            "cannot listen there ("
                + e.getMessage()
                + "); stop the program that uses the port, choose another port, or 0 for any that"
                + " is free",
            e);
      }
    }

    private Map<String, InProcessDeployment> byName(List<InProcessDeployment> owned) {
      Map<String, InProcessDeployment> all = new LinkedHashMap<>();
      List<String> problems = new ArrayList<>();
      List<InProcessDeployment> both = new ArrayList<>(deployments);
      both.addAll(owned);
      for (InProcessDeployment deployment : both) {
        if (all.put(deployment.model().name(), deployment) != null) {
          problems.add("two models are called '" + deployment.model().name() + "'");
        }
      }
      if (all.isEmpty()) {
        problems.add("there is no model to serve; call serve(..) or deploy(..)");
      }
      if (!problems.isEmpty()) {
        throw new ValidationException("server", problems);
      }
      return all;
    }
  }
}
