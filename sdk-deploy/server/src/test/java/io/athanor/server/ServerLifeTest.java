package io.athanor.server;

import static io.athanor.server.Client.detail;
import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.InProcessDeployment;
import io.athanor.tck.fixture.TinyArtifacts;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Start, overload, hostile transport, failure and stop. */
@Timeout(60)
class ServerLifeTest {
  private static final String PREDICT = "/v1/models/prices/predict";
  private static final String ROW = "{\"input\":{\"area\":70}}";

  private final PausableBackend backend = new PausableBackend();
  private final InProcessDeployment prices =
      Deployments.inProcess()
          .backend(backend)
          .queueLimit(2)
          .timeout(Duration.ofSeconds(5))
          .deploy("prices", TinyArtifacts.prices());

  @AfterEach
  void release() {
    backend.resume();
    prices.close();
    backend.close();
  }

  private ModelServer.Builder server() {
    return ModelServer.on(0).serve(prices).requestTimeout(Duration.ofMillis(500));
  }

  @Test
  void takenPortIsOurExceptionWithTheRemedyAndLeaksNothing() throws IOException {
    int port;
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      port = taken.getLocalPort();
      assertThatThrownBy(() -> ModelServer.on(port).serve(prices).start())
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("127.0.0.1:" + port + ": cannot listen there")
          .hasMessageContaining("choose another port, or 0 for any that is free");
      assertThat(
              Thread.getAllStackTraces().keySet().stream()
                  .filter(thread -> thread.getName().startsWith("athanor-http")))
          .isEmpty();
    }
    try (ModelServer server = ModelServer.on(port).serve(prices).start()) {
      assertThat(server.address().getPort()).isEqualTo(port);
    }
  }

  @Test
  void addressOfAnotherMachineIsOurException() {
    assertThatThrownBy(() -> server().host("192.0.2.1").openToAll().start())
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("192.0.2.1:0: cannot listen there");
  }

  @Test
  void doesNotServeStrangersUnasked() {
    assertThatThrownBy(() -> server().host("0.0.0.0").start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("others reach 0.0.0.0 and nobody would be asked who they are")
        .hasMessageContaining("access(..)");
  }

  @Test
  void anAnswerThatTakesTooLongIs503() throws Exception {
    try (ModelServer server = server().answerTimeout(Duration.ofMillis(200)).start()) {
      backend.pause();
      problem(new Client(server.address()).post(PREDICT, ROW), 503);
      backend.resume();
    }
  }

  @Test
  void anAnswerMayTakeLongerThanTheTimeThatARequestHasToArrive() throws Exception {
    try (ModelServer server = server().start()) {
      backend.pause();
      CompletableFuture<HttpResponse<String>> slow = inBackground(new Client(server.address()));
      backend.awaitPaused();
      assertThat(raw(server, "")).isEmpty(); // cut off for its silence, which began later
      backend.resume();
      assertThat(slow.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void aCallerWhoDoesNotReadAnswersHoldsUpNobody() throws Exception {
    try (ModelServer server = server().requestTimeout(Duration.ofSeconds(30)).start();
        SocketChannel deaf = SocketChannel.open()) {
      deaf.setOption(StandardSocketOptions.SO_RCVBUF, 1_024);
      deaf.connect(new InetSocketAddress(server.address().getHost(), server.address().getPort()));
      deaf.configureBlocking(false);
      byte[] request =
          ("POST "
                  + PREDICT
                  + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
                  + ROW.length()
                  + "\r\n\r\n"
                  + ROW)
              .getBytes(US_ASCII);
      Client other = new Client(server.address());
      ByteBuffer rest = ByteBuffer.wrap(request);
      long sent = 0;
      int stuck = 0;
      while (stuck < 20) {
        int written = deaf.write(rest);
        sent += written;
        if (!rest.hasRemaining()) {
          rest.rewind();
        }
        if (written > 0) {
          stuck = 0;
        } else {
          stuck++;
          assertThat(other.post(PREDICT, ROW).statusCode()).isEqualTo(200);
        }
      }
      assertThat(sent).isGreaterThan(1_000L * request.length);
    }
  }

  @Test
  void wantsModelsWithDifferentNames() {
    assertThatThrownBy(() -> ModelServer.on(0).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("there is no model to serve");
    assertThatThrownBy(() -> server().serve(prices).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("two models are called 'prices'");
    assertThatThrownBy(() -> ModelServer.on(70_000))
        .hasMessageContaining("port must be 0 to 65535");
  }

  @Test
  void overloadIs429WithRetryAfter() throws Exception {
    try (ModelServer server = server().start()) {
      Client client = new Client(server.address());
      backend.pause();
      CompletableFuture<HttpResponse<String>> first = inBackground(client);
      backend.awaitPaused();
      CompletableFuture<HttpResponse<String>> batch =
          CompletableFuture.supplyAsync(
              () ->
                  post(
                      client,
                      "/v1/models/prices/batch",
                      "{\"inputs\":[{\"area\":1},{\"area\":2}]}"));
      while (prices.stats().waiting() < 2 && !batch.isDone()) {
        Thread.onSpinWait();
      }
      HttpResponse<String> refused = client.post(PREDICT, ROW);
      problem(refused, 429);
      assertThat(refused.headers().firstValue("Retry-After")).contains("1");
      backend.resume();
      assertThat(first.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
      assertThat(json(batch.get(10, TimeUnit.SECONDS)).get("results")).hasSize(2);
    }
  }

  @Test
  void closingAnswersRequestsInFlightAndTwiceIsFine() throws Exception {
    ModelServer server = server().start();
    Client client = new Client(server.address());
    backend.pause();
    CompletableFuture<HttpResponse<String>> inFlight = inBackground(client);
    backend.awaitPaused();
    CompletableFuture<Void> closing = CompletableFuture.runAsync(server::close);
    assertThat(closing).isNotDone();
    backend.resume();
    assertThat(json(inFlight.get(10, TimeUnit.SECONDS)).get("value").doubleValue()).isPositive();
    closing.get(10, TimeUnit.SECONDS);
    server.close();
    assertThatThrownBy(() -> client.get("/health")).isInstanceOf(IOException.class);
  }

  @Test
  void closingCutsOffWhatTakesLongerThanTheDrainTimeout() throws Exception {
    ModelServer server = server().drainTimeout(Duration.ofMillis(100)).start();
    Client client = new Client(server.address());
    backend.pause();
    CompletableFuture<HttpResponse<String>> inFlight = inBackground(client);
    backend.awaitPaused();
    server.close();
    assertThatThrownBy(() -> client.get("/health")).isInstanceOf(IOException.class);
    backend.resume();
    inFlight.handle((response, failure) -> response).get(10, TimeUnit.SECONDS);
  }

  @Test
  void failureOfTheEngineIs500WithoutDetails() throws Exception {
    try (ModelServer server = server().start()) {
      Client client = new Client(server.address());
      backend.failNext(new IllegalStateException("secret detail of the engine"));
      HttpResponse<String> response = client.post(PREDICT, ROW);
      JsonNode problem = problem(response, 500);
      assertThat(response.body()).doesNotContain("secret");
      assertThat(detail(problem)).contains(problem.get("requestId").textValue());
      assertThat(client.post(PREDICT, ROW).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void closedDeploymentIs503() throws Exception {
    try (ModelServer server = server().start()) {
      prices.close();
      problem(new Client(server.address()).post(PREDICT, ROW), 503);
    }
  }

  @Test
  void largeBodyIs413ByItsDeclaredLength() throws Exception {
    try (ModelServer server = server().bodyLimit(1_000).start()) {
      String answer =
          raw(
              server,
              "POST "
                  + PREDICT
                  + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  + "Content-Length: 100000000000\r\n\r\n");
      assertThat(answer).startsWith("HTTP/1.1 413").contains("larger than 1000 bytes");
    }
  }

  @Test
  void hundredMegabytesInChunksAreCutOffAt413() throws Exception {
    try (ModelServer server = server().start();
        Socket socket = connect(server)) {
      OutputStream out = socket.getOutputStream();
      out.write(
          ("POST "
                  + PREDICT
                  + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  + "Transfer-Encoding: chunked\r\n\r\n")
              .getBytes(US_ASCII));
      byte[] chunk = ("10000\r\n" + " ".repeat(0x10000) + "\r\n").getBytes(US_ASCII);
      long sent = 0;
      try {
        while (sent < 100_000_000 && socket.getInputStream().available() == 0) {
          out.write(chunk);
          sent += 0x10000;
        }
      } catch (SocketException e) {
        // The server hung up, which is its right after the limit.
      }
      assertThat(sent).isBetween(1L << 20, 30_000_000L);
      assertThat(new Client(server.address()).get("/health").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void bodyThatTricklesInIsCutOff() throws Exception {
    try (ModelServer server = server().start()) {
      String answer =
          raw(
              server,
              "POST "
                  + PREDICT
                  + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  + "Content-Length: 50\r\n\r\n{\"input\"");
      assertThat(answer).startsWith("HTTP/1.1 408");
      assertThat(new Client(server.address()).get("/health").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void whoIsRefusedBeforeTheirBodyCameIsToldThatTheConnectionEnds() throws Exception {
    try (ModelServer server = server().start()) {
      String answer =
          raw(
              server,
              "POST /v1/models/nobody/predict HTTP/1.1\r\nHost: x\r\n"
                  + "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n");
      assertThat(answer).startsWith("HTTP/1.1 404").contains("Connection: close");
    }
  }

  @Test
  void headersThatNeverEndAreCutOff() throws Exception {
    try (ModelServer server = server().start()) {
      raw(server, "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: a");
      String answer =
          raw(server, "GET /health HTTP/1.1\r\nX-Long: " + "a".repeat(20_000) + "\r\n\r\n");
      assertThat(answer).startsWith("HTTP/1.1 431").doesNotContain("jetty");
    }
  }

  @Test
  void whatIsNotHttpGetsAPlain400() throws Exception {
    try (ModelServer server = server().start()) {
      assertThat(raw(server, "\u0016\u0003\u0001 nonsense\r\n\r\n"))
          .startsWith("HTTP/1.1 400")
          .doesNotContain("jetty", "Exception", "<html>");
    }
  }

  private static CompletableFuture<HttpResponse<String>> inBackground(Client client) {
    return CompletableFuture.supplyAsync(() -> post(client, PREDICT, ROW));
  }

  private static HttpResponse<String> post(Client client, String path, String body) {
    try {
      return client.post(path, body);
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Socket connect(ModelServer server) throws IOException {
    Socket socket = new Socket(server.address().getHost(), server.address().getPort());
    socket.setSoTimeout(20_000);
    return socket;
  }

  /** Sends some bytes and reads until the server hangs up. */
  private static String raw(ModelServer server, String request) throws IOException {
    try (Socket socket = connect(server)) {
      socket.getOutputStream().write(request.getBytes(US_ASCII));
      InputStream in = socket.getInputStream();
      return new String(in.readAllBytes(), US_ASCII);
    }
  }
}
