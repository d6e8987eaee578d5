package io.athanor.deploy.target;

import io.athanor.api.common.Secret;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * One server that requests go to. The token goes to this server alone, never to another address,
 * and never into a message. Thread-safe.
 */
final class RemoteServer {
  private final String product;
  private final URI base;
  private final Optional<Secret> token;
  private final RetryPolicy retries;
  private final HttpClient client;

  /**
   * @param product what it is, for messages
   * @param base an http or https address
   */
  RemoteServer(String product, URI base, Optional<Secret> token, RetryPolicy retries) {
    this.product = product;
    this.base = requireServer(base);
    this.token = token;
    this.retries = retries;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(retries.silence())
            .build();
  }

  /**
   * @throws IllegalArgumentException if it is no address of a server
   */
  static URI requireServer(URI server) {
    boolean http = "http".equals(server.getScheme()) || "https".equals(server.getScheme());
    if (!http
        || server.getHost() == null
        || server.getRawQuery() != null
        || server.getRawUserInfo() != null) {
      throw new IllegalArgumentException(
          "server must be an http or https address without user and query, got '"
              + withoutSecrets(server)
              + "'");
    }
    return server;
  }

  /** An address without what may give access. */
  static String withoutSecrets(URI uri) {
    return uri.getScheme()
        + "://"
        + uri.getHost()
        + (uri.getPort() < 0 ? "" : ":" + uri.getPort())
        + uri.getRawPath();
  }

  /** A text of the server without the token, which it may repeat. */
  String withoutToken(String said) {
    String secret = token.map(Secret::reveal).orElse("");
    return secret.isEmpty() ? said : said.replace(secret, "********");
  }

  /** Escapes the parts of a path, where a colon may stand as it is. */
  static String path(String parts) {
    return Arrays.stream(parts.split("/", -1))
        .map(part -> URLEncoder.encode(part, StandardCharsets.UTF_8))
        .map(part -> part.replace("+", "%20").replace("%3A", ":"))
        .collect(Collectors.joining("/"));
  }

  /** Begins a request to a path of this server. */
  RemoteCall call(String method, String pathAndQuery) {
    String root = base.toString().replaceAll("/+$", "");
    return new RemoteCall(this, method, URI.create(root + pathAndQuery));
  }

  /** Begins a request to an address that this server has named. */
  RemoteCall call(String method, URI elsewhere) {
    return new RemoteCall(this, method, elsewhere);
  }

  /** Whether an address is on this server, so that it may see the token. */
  boolean owns(URI uri) {
    return base.getScheme().equals(uri.getScheme())
        && base.getRawAuthority().equalsIgnoreCase(uri.getRawAuthority());
  }

  URI base() {
    return base;
  }

  String product() {
    return product;
  }

  Optional<Secret> token() {
    return token;
  }

  RetryPolicy retries() {
    return retries;
  }

  HttpClient client() {
    return client;
  }

  @Override
  public String toString() {
    return product + " at " + withoutSecrets(base);
  }
}
