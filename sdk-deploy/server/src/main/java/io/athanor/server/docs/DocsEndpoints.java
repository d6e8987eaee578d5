package io.athanor.server.docs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An OpenAPI 3.1 document of the routes that a server has, and a page that shows it. Both say
 * nothing of the models and are for everybody. Thread-safe.
 */
public final class DocsEndpoints {
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private volatile byte[] document = new byte[0];

  public List<Route> routes() {
    return List.of(
        Route.get("/openapi.json", ctx -> ctx.contentType("application/json").result(document))
            .forEverybody(),
        Route.get("/docs", ctx -> send(ctx, "docs.html", "text/html; charset=utf-8"))
            .forEverybody(),
        Route.get("/docs/docs.js", ctx -> send(ctx, "docs.js", "text/javascript; charset=utf-8"))
            .forEverybody(),
        Route.get("/docs/docs.css", ctx -> send(ctx, "docs.css", "text/css; charset=utf-8"))
            .forEverybody());
  }

  /** Describes the routes that there are, and no other. */
  public void describe(List<Route> routes) {
    ObjectNode openapi = (ObjectNode) read("openapi.json");
    Set<String> known =
        routes.stream()
            .map(route -> method(route) + " " + route.path())
            .collect(Collectors.toSet());
    Iterator<Map.Entry<String, JsonNode>> paths = openapi.get("paths").properties().iterator();
    while (paths.hasNext()) {
      Map.Entry<String, JsonNode> path = paths.next();
      ObjectNode operations = (ObjectNode) path.getValue();
      List<String> methods = new ArrayList<>();
      operations.fieldNames().forEachRemaining(methods::add);
      methods.removeIf(method -> known.contains(method + " " + path.getKey()));
      operations.remove(methods);
      if (operations.isEmpty()) {
        paths.remove();
      }
    }
    document = StrictJson.write(openapi);
  }

  private static String method(Route route) {
    return route.method().name().toLowerCase(Locale.ROOT);
  }

  private static JsonNode read(String name) {
    try (InputStream in = DocsEndpoints.class.getResourceAsStream(name)) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException("The jar of the server is damaged", e);
    }
  }

  private static void send(Context ctx, String name, String type) throws IOException {
    try (InputStream in = DocsEndpoints.class.getResourceAsStream(name)) {
      ctx.contentType(type)
          .header("Content-Security-Policy", POLICY)
          .header("X-Content-Type-Options", "nosniff")
          .result(in.readAllBytes());
    }
  }
}
