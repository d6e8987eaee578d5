package io.athanor.deploy.target;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.athanor.api.common.JsonFields;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server on this machine that fails when it is told to. */
abstract class FakeServer implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "fake-server");
            thread.setDaemon(true);
            return thread;
          });
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final Deque<Fault> faults = new ArrayDeque<>();
  private final Map<String, Runnable> events = new LinkedHashMap<>();
  private final List<Throwable> surprises = new CopyOnWriteArrayList<>();

  /**
   * What goes wrong with a request, once.
   *
   * @param start of the request
   * @param instead the answer in place of the right one
   * @param taken how many bytes of the request arrive before the connection is cut
   * @param given how many bytes of the answer are sent before the connection is cut
   */
  private record Fault(
      String start,
      Optional<Answer> instead,
      Map<String, String> headers,
      OptionalInt taken,
      OptionalInt given) {}

  private static final Fault NONE =
      new Fault("", Optional.empty(), Map.of(), OptionalInt.empty(), OptionalInt.empty());

  /** What a server answers. */
  record Answer(int status, String text) {
    /** The answer has been written already. */
    static final Answer SENT = new Answer(0, "");

    static Answer ok(Object json) {
      return new Answer(200, json.toString());
    }
  }

  FakeServer() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /**
   * @param request method, path and query
   */
  abstract Answer answer(String request, HttpExchange exchange, byte[] body) throws IOException;

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /** Pauses that pass at once and are noted. */
  static RetryPolicy hasty(List<Duration> pauses) {
    return RetryPolicy.standard()
        .attempts(4)
        .jitter(() -> 1)
        .silence(Duration.ofSeconds(20))
        .waiting(pauses::add);
  }

  static RetryPolicy hasty() {
    return hasty(new ArrayList<>());
  }

  /** Answers the next request that begins so with a status. */
  void fail(String start, int status) {
    instead(start, status, Map.of(), "{\"error\":\"told to fail\"}");
  }

  void busy(String start, int seconds) {
    Map<String, String> later = Map.of("Retry-After", "" + seconds);
    instead(start, 429, later, "{\"error\":\"told to fail\"}");
  }

  /** Answers the next request that begins so with what another program might say. */
  synchronized void instead(String start, int status, Map<String, String> headers, String text) {
    Optional<Answer> answer = Optional.of(new Answer(status, text));
    faults.add(new Fault(start, answer, headers, OptionalInt.empty(), OptionalInt.empty()));
  }

  /** Cuts the connection of the next request that begins so when some bytes have arrived. */
  synchronized void cut(String start, int bytes) {
    OptionalInt taken = OptionalInt.of(bytes);
    faults.add(new Fault(start, Optional.empty(), Map.of(), taken, OptionalInt.empty()));
  }

  /** Cuts the connection of the next request that begins so in the middle of its right answer. */
  synchronized void breakOff(String start, int bytes) {
    OptionalInt given = OptionalInt.of(bytes);
    faults.add(new Fault(start, Optional.empty(), Map.of(), OptionalInt.empty(), given));
  }

  /** Does what the next request that begins so wants, and loses the answer. */
  void lose(String start) {
    breakOff(start, -1);
  }

  /** Lets something happen when the next request that begins so has arrived. */
  synchronized void before(String start, Runnable event) {
    events.put(start, event);
  }

  private void happen(String request) {
    Runnable event = null;
    synchronized (this) {
      for (String start : events.keySet()) {
        event = request.startsWith(start) ? events.remove(start) : event;
        if (event != null) {
          break;
        }
      }
    }
    if (event != null) {
      event.run();
    }
  }

  /** The requests so far that begin so; with method, path and query. */
  List<String> requests(String start) {
    return requests.stream().filter(request -> request.startsWith(start)).toList();
  }

  private synchronized Fault fault(String request) {
    for (Fault fault : faults) {
      if (request.startsWith(fault.start())) {
        faults.remove(fault);
        return fault;
      }
    }
    return NONE;
  }

  private void handle(HttpExchange exchange) throws IOException {
    String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
    requests.add(request);
    Fault fault = fault(request);
    try (exchange) {
      if (fault.taken().isPresent()) {
        exchange.getRequestBody().readNBytes(fault.taken().getAsInt());
        return;
      }
      byte[] body = exchange.getRequestBody().readAllBytes();
      happen(request);
      fault.headers().forEach(exchange.getResponseHeaders()::set);
      if (fault.instead().isPresent()) {
        send(exchange, fault.instead().get(), Integer.MAX_VALUE);
        return;
      }
      Answer answer = answer(request, exchange, body);
      int most = fault.given().orElse(Integer.MAX_VALUE);
      if (answer != Answer.SENT && most >= 0) {
        send(exchange, answer, most);
      }
    } catch (RuntimeException | AssertionError e) {
      surprises.add(e);
      send(exchange, new Answer(599, String.valueOf(e)), Integer.MAX_VALUE);
    }
  }

  private static void send(HttpExchange exchange, Answer answer, int most) throws IOException {
    byte[] bytes = answer.text().getBytes(StandardCharsets.UTF_8);
    boolean head = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(answer.status(), head || bytes.length == 0 ? -1 : bytes.length);
    if (!head) {
      exchange.getResponseBody().write(bytes, 0, Math.min(bytes.length, most));
    }
  }

  static JsonFields json(byte[] body) {
    return JsonFields.parse("request", new String(body, StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
    if (!surprises.isEmpty()) {
      throw new AssertionError("the fake server failed", surprises.get(0));
    }
  }
}
