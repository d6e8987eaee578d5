package io.athanor.server;

import io.athanor.api.common.Secret;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.ResponseCache;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.access.ServerAccess;
import io.athanor.server.http.Listener;
import io.athanor.server.http.TlsFiles;
import io.athanor.server.live.LiveEvents;
import io.javalin.util.JavalinException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
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
 * <p>What it answers is described at its address under {@code /docs}, and for programs at {@code
 * /openapi.json}; texts and vectors of language models also in the form of OpenAI's API. Errors
 * come as {@code application/problem+json} (RFC 9457), on OpenAI's paths in OpenAI's form. Without
 * more it asks nobody who they are, so it listens on the loopback address and no other.
 * Thread-safe.
 */
public final class ModelServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelServer.class);

  private final Assembly parts;
  private final URI address;

  private ModelServer(Assembly parts, URI address) {
    this.parts = parts;
    this.address = address;
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

  Assembly parts() {
    return parts;
  }

  /** Where it listens. */
  public URI address() {
    return address;
  }

  /** What readers of its events are told; alerts can be published here. */
  public LiveEvents events() {
    return parts.events();
  }

  /**
   * Takes no more requests, answers those it has, and closes the deployments it opened itself;
   * twice is fine. Requests that have no answer within the drain timeout are cut off.
   */
  @Override
  public synchronized void close() {
    parts.events().close();
    try {
      parts.javalin().stop();
    } catch (JavalinException e) {
      LOG.warn("{} was closed before every request in flight had its answer", address, e);
    } finally {
      parts.close();
    }
  }

  /** How to serve. Not thread-safe. */
  public static final class Builder {
    private final int port;
    private String host = "127.0.0.1";
    private int maximumConnections = 1_000;
    private Duration requestTimeout = Duration.ofSeconds(10);
    private Duration drainTimeout = Duration.ofSeconds(30);
    private boolean openToAll;
    private Optional<TlsFiles> tls = Optional.empty();
    private final Settings settings = new Settings();
    private final List<LiveModel> deployments = new ArrayList<>();
    private final List<ModelVersion> toDeploy = new ArrayList<>();

    private Builder(int port) {
      this.port = port;
    }

    /** What the server's parts need to know. */
    static final class Settings {
      int bodyLimit = 1 << 20;
      int maximumRows = 1_000;
      int maximumTokens = 4_096;
      Duration answerTimeout = Duration.ofSeconds(60);
      Optional<ServerAccess> access = Optional.empty();
      Optional<ModelRegistry> registry = Optional.empty();
      Function<ModelVersion, LiveModel> deployer = Deployments.inProcess()::open;
      String environment = "production";
      String target = "";
      Duration trafficInterval = Duration.ofSeconds(1);
      final Map<String, ResponseCache> caches = new LinkedHashMap<>();
      Clock clock = Clock.systemUTC();
    }

    /**
     * The address to listen on; {@code 127.0.0.1} unless set. One that others reach needs {@link
     * #access} or {@link #openToAll}.
     */
    public Builder host(String address) {
      this.host = address;
      return this;
    }

    /** Serves whoever reaches the server, without asking who they are, on any address. */
    public Builder openToAll() {
      this.openToAll = true;
      return this;
    }

    /** Serves only those who may call; everybody unless set. */
    public Builder access(ServerAccess rules) {
      settings.access = Optional.of(rules);
      return this;
    }

    /**
     * Speaks HTTPS; plain HTTP unless set.
     *
     * @param keystore a PKCS #12 file with the certificate and its key
     * @param password of the file and the key
     */
    public Builder tls(Path keystore, Secret password) {
      this.tls = Optional.of(new TlsFiles(keystore, password));
      return this;
    }

    /** Most bytes of a body: 1 to 1 GiB; 1 MiB unless set. */
    public Builder bodyLimit(int bytes) {
      settings.bodyLimit = between("bodyLimit", 1, 1 << 30, bytes);
      return this;
    }

    /** Most rows of a batch, or texts to embed together: 1 to 100,000; 1,000 unless set. */
    public Builder maximumRows(int rows) {
      settings.maximumRows = between("maximumRows", 1, 100_000, rows);
      return this;
    }

    /** Most tokens to generate for a request, from 1; 4,096 unless set. */
    public Builder maximumTokens(int tokens) {
      settings.maximumTokens = between("maximumTokens", 1, Integer.MAX_VALUE, tokens);
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

    /**
     * How long an answer that is not streamed may take; a minute unless set, at most an hour. After
     * it the caller gets status 503.
     */
    public Builder answerTimeout(Duration longest) {
      settings.answerTimeout = upToAnHour("answerTimeout", longest);
      return this;
    }

    /** How long closing waits for requests in flight; 30 seconds unless set, at most an hour. */
    public Builder drainTimeout(Duration longest) {
      this.drainTimeout = upToAnHour("drainTimeout", longest);
      return this;
    }

    /** How often readers of events hear of traffic; once a second unless set. */
    public Builder trafficInterval(Duration interval) {
      settings.trafficInterval = upToAnHour("trafficInterval", interval);
      return this;
    }

    /** Tells the time for what is written into answers; the system's unless set. */
    public Builder clock(Clock time) {
      settings.clock = time;
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

    /**
     * Serves a deployment of rows, texts or vectors, which stays the caller's to close, after the
     * server.
     */
    public Builder serve(LiveModel deployment) {
      deployments.add(deployment);
      return this;
    }

    /**
     * Shows the counts of a cache that deployments look into, in the metrics.
     *
     * @param name of the cache there; not blank, not used before
     */
    public Builder cache(String name, ResponseCache answers) {
      if (name.isBlank() || settings.caches.putIfAbsent(name, answers) != null) {
        throw new IllegalArgumentException(
            "name must not be blank and not be used before, got '" + name + "'");
      }
      return this;
    }

    /** Serves a registered model, loaded when the server starts and closed with it. */
    public Builder deploy(ModelVersion version) {
      toDeploy.add(version);
      return this;
    }

    /**
     * Shows a registry, which stays the caller's to close: models can be listed, searched,
     * compared, deployed here, taken down and deleted, and aliases moved. Where {@link #access} is
     * set, the registry's roles hold for those who call.
     */
    public Builder registry(ModelRegistry models) {
      settings.registry = Optional.of(models);
      return this;
    }

    /** How versions are deployed; in this process unless set. */
    public Builder deployer(Function<ModelVersion, LiveModel> how) {
      settings.deployer = how;
      return this;
    }

    /**
     * Where the registry shall record that versions are live; {@code "production"} at the server's
     * address unless set.
     *
     * @param environment see {@link VersionId#requireName}
     * @param target not blank
     */
    public Builder recordedAt(String environment, String target) {
      settings.environment = VersionId.requireName("environment", environment);
      if (target.isBlank()) {
        throw new IllegalArgumentException("target must not be blank");
      }
      settings.target = target;
      return this;
    }

    /**
     * Listens.
     *
     * @throws ValidationException if there is neither a model nor a registry, if two models have
     *     one name, or if strangers would be served unasked
     * @throws io.athanor.api.error.AthanorException if a model or the keystore cannot be loaded
     * @throws StorageException if the port is taken or the address is not this machine's; nothing
     *     stays open
     */
    public ModelServer start() {
      check();
      Listener listener =
          new Listener(host, port, tls, maximumConnections, requestTimeout, drainTimeout);
      if (settings.target.isEmpty()) {
        settings.target = listener.address(port).getAuthority();
      }
      Assembly parts = Assembly.of(settings, listener);
      try {
        deployments.forEach(live -> parts.models().put(live, false));
        toDeploy.forEach(version -> parts.models().put(settings.deployer.apply(version), true));
        listen(parts);
        return new ModelServer(parts, listener.address(parts.javalin().port()));
      } catch (RuntimeException | Error e) {
        parts.close();
        throw e;
      }
    }

    private void listen(Assembly parts) {
      try {
        parts.javalin().start();
      } catch (JavalinException e) {
        parts.javalin().stop();
        throw new StorageException(
            host + ":" + port,
            "cannot listen there ("
                + e.getMessage()
                + "); stop the program that uses the port, choose another port, or 0 for any that"
                + " is free",
            e);
      }
    }

    private void check() {
      List<String> problems = new ArrayList<>();
      List<String> names = new ArrayList<>();
      deployments.forEach(live -> names.add(live.model().name()));
      toDeploy.forEach(version -> names.add(version.name()));
      Set<String> seen = new HashSet<>();
      for (String name : names) {
        if (!seen.add(name)) {
          problems.add("two models are called '" + name + "'");
        }
      }
      if (names.isEmpty() && settings.registry.isEmpty()) {
        problems.add("there is no model to serve; call serve(..), deploy(..) or registry(..)");
      }
      if (!onLoopback() && settings.access.isEmpty() && !openToAll) {
        problems.add(
            "others reach "
                + host
                + " and nobody would be asked who they are; call access(..), or openToAll() if that"
                + " is meant");
      }
      if (!problems.isEmpty()) {
        throw new ValidationException("server", problems);
      }
      if (!onLoopback() && tls.isEmpty()) {
        LOG.warn(
            "Others reach {} without TLS: keys and inputs can be read on the way unless something in"
                + " front encrypts; tls(..) does",
            host);
      }
    }

    private boolean onLoopback() {
      try {
        return InetAddress.getByName(host).isLoopbackAddress();
      } catch (UnknownHostException e) {
        return false;
      }
    }
  }
}
