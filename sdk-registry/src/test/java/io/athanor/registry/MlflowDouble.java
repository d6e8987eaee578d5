package io.athanor.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Answers like an MLflow server: as one was recorded, or as a test wants it. */
final class MlflowDouble implements AutoCloseable {
  /** Closes the connection instead of answering. */
  static final int CUT = 0;

  /** Never answers. */
  static final int SILENCE = -1;

  private record Answer(int status, String body) {}

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, Deque<Answer>> answers = new HashMap<>();
  private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
  private final List<String> unexpected = Collections.synchronizedList(new ArrayList<>());
  private final List<String> authorizations = Collections.synchronizedList(new ArrayList<>());

  MlflowDouble() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** One that says what a real server said to the same requests. */
  static MlflowDouble recorded() throws IOException {
    MlflowDouble server = new MlflowDouble();
    try (InputStream in = MlflowDouble.class.getResourceAsStream("mlflow/exchanges.json")) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      for (JsonNode exchange : JsonFields.tree("exchanges.json", text)) {
        server.answer(
            key(
                exchange.path("method").asText(),
                exchange.path("target").asText(),
                exchange.path("sent").asText()),
            exchange.path("status").asInt(),
            exchange.path("said").asText());
      }
    }
    return server;
  }

  /** Answers requests of a method and path, whatever they say; the last answer stays. */
  MlflowDouble on(String method, String path, int status, String body) {
    answer(method + " " + path, status, body);
    return this;
  }

  private void answer(String key, int status, String body) {
    answers.computeIfAbsent(key, k -> new ArrayDeque<>()).add(new Answer(status, body));
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /** Methods and paths, in order. */
  List<String> asked() {
    return List.copyOf(asked);
  }

  /** Requests that nobody expected. */
  List<String> unexpected() {
    return List.copyOf(unexpected);
  }

  List<String> authorizations() {
    return List.copyOf(authorizations);
  }

  private static String key(String method, String target, String sent) {
    Object body = sent;
    try {
      body = sent.isEmpty() ? "" : JsonFields.tree("body", sent);
    } catch (FormatException notJson) {
      body = sent;
    }
    URI uri = URI.create(target);
    List<String> query =
        uri.getRawQuery() == null ? List.of() : List.of(uri.getRawQuery().split("&"));
    return method + " " + uri.getRawPath() + " " + query.stream().sorted().toList() + " " + body;
  }

  private void handle(HttpExchange exchange) throws IOException {
    String method = exchange.getRequestMethod();
    String sent = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    String plain = method + " " + exchange.getRequestURI().getPath();
    asked.add(plain);
    authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
    Answer answer = next(key(method, exchange.getRequestURI().toString(), sent), plain);
    if (answer.status() == SILENCE) {
      return;
    }
    if (answer.status() == CUT) {
      exchange.close();
      return;
    }
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    if (answer.status() / 100 == 3) {
      exchange.getResponseHeaders().set("Location", answer.body());
    }
    exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private synchronized Answer next(String exact, String plain) {
    Deque<Answer> left = answers.getOrDefault(exact, answers.get(plain));
    if (left == null) {
      unexpected.add(exact);
      return new Answer(501, "nobody expected " + exact);
    }
    return left.size() > 1 ? left.removeFirst() : left.getFirst();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
