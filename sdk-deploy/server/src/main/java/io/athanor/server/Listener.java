package io.athanor.server;

import io.javalin.config.JettyConfig;
import java.time.Duration;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;

/**
 * Where and within which bounds the server listens.
 *
 * @param connections open at once
 * @param idle how long a connection may be silent
 * @param drain how long stopping waits for requests in flight
 */
record Listener(String host, int port, int connections, Duration idle, Duration drain) {
  private static final int HEADER_BYTES = 8_192;

  void configure(JettyConfig jetty) {
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
          server.insertHandler(new GracefulHandler());
        });
    jetty.modifyServletContextHandler(context -> context.setErrorHandler(new TransportProblems()));
    jetty.addConnector(this::connector);
  }

  private ServerConnector connector(Server server, HttpConfiguration http) {
    ServerConnector connector = new ServerConnector(server, new HttpConnectionFactory(http));
    connector.setHost(host);
    connector.setPort(port);
    connector.setIdleTimeout(idle.toMillis());
    connector.addBean(new NetworkConnectionLimit(connections, connector));
    return connector;
  }
}
