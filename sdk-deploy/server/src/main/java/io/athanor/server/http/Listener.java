package io.athanor.server.http;

import io.javalin.config.JettyConfig;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * Where and within which bounds the server listens.
 *
 * @param tls absent for plain HTTP
 * @param connections open at once
 * @param idle how long a connection may be silent
 * @param drain how long stopping waits for requests in flight
 */
public record Listener(
    String host, int port, Optional<TlsFiles> tls, int connections, Duration idle, Duration drain) {
  private static final int HEADER_BYTES = 8_192;

  /** The address under which a port of it is reached. */
  public URI address(int actualPort) {
    return URI.create(
        (tls.isPresent() ? "https://" : "http://")
            + (host.contains(":") ? "[" + host + "]" : host)
            + ":"
            + actualPort);
  }

  /**
   * Prepares Jetty.
   *
   * @param first is asked before Javalin
   * @throws io.athanor.api.error.AthanorException if the keystore cannot be used
   */
  public void configure(JettyConfig jetty, Handler.Wrapper first) {
    Optional<SslContextFactory.Server> ssl = tls.map(TlsFiles::load);
    jetty.modifyHttpConfiguration(
        http -> {
          http.setSendServerVersion(false);
          http.setSendDateHeader(false);
          http.setRequestHeaderSize(HEADER_BYTES);
        });
    jetty.modifyServer(
        server -> {
          server.setErrorHandler(new TransportProblems());
          server.setStopTimeout(drain.toMillis());
          server.insertHandler(first);
          server.insertHandler(new GracefulHandler());
        });
    jetty.modifyServletContextHandler(context -> context.setErrorHandler(new TransportProblems()));
    jetty.addConnector((server, http) -> connector(server, http, ssl));
  }

  private ServerConnector connector(
      Server server, HttpConfiguration http, Optional<SslContextFactory.Server> ssl) {
    HttpConnectionFactory plain = new HttpConnectionFactory(http);
    ServerConnector connector;
    if (ssl.isPresent()) {
      // Clients may name the server by its address; which name fits is theirs to check.
      http.addCustomizer(new SecureRequestCustomizer(false));
      connector =
          new ServerConnector(
              server, new SslConnectionFactory(ssl.get(), HttpVersion.HTTP_1_1.asString()), plain);
    } else {
      connector = new ServerConnector(server, plain);
    }
    connector.setHost(host);
    connector.setPort(port);
    connector.setIdleTimeout(idle.toMillis());
    connector.addBean(new NetworkConnectionLimit(connections, connector));
    return connector;
  }
}
