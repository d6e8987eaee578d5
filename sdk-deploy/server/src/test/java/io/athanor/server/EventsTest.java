package io.athanor.server;

import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.server.access.ApiKeys;
import io.athanor.server.access.ServerAccess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens, as it happens. */
@Timeout(60)
class EventsTest {
  private final ModelServer server =
      ModelServer.on(0)
          .serve(new FakeText())
          .trafficInterval(Duration.ofHours(1))
          .drainTimeout(Duration.ofSeconds(2))
          .start();

  @AfterEach
  void stop() {
    server.close();
  }

  private Socket subscribe(ModelServer to) throws IOException {
    Socket socket = new Socket(to.address().getHost(), to.address().getPort());
    socket.setSoTimeout(20_000);
    socket
        .getOutputStream()
        .write("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private static BufferedReader reader(Socket socket) throws IOException {
    return new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
  }

  private static String next(BufferedReader lines, String prefix) throws IOException {
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.startsWith(prefix)) {
        return line.substring(prefix.length());
      }
    }
    return "";
  }

  private static void awaitReader(ModelServer of) {
    while (!of.events().anybodyReads()) {
      Thread.onSpinWait();
    }
  }

  @Test
  void readersOfServerSentEventsHearWhatIsPublished() throws Exception {
    try (Socket socket = subscribe(server)) {
      BufferedReader lines = reader(socket);
      awaitReader(server);
      server.events().publish("alert", "assistant", Map.of("message", "too slow\nby far"));
      assertThat(next(lines, "event: ")).isEqualTo("alert");
      JsonNode event = json(next(lines, "data: "));
      assertThat(event.get("number").intValue()).isEqualTo(1);
      assertThat(event.get("model").textValue()).isEqualTo("assistant");
      assertThat(event.at("/data/message").textValue()).isEqualTo("too slow\nby far");
      server.close();
      assertThat(next(lines, "event: ")).isEmpty();
    }
  }

  @Test
  void trafficIsToldAgainAndAgain() throws Exception {
    try (ModelServer busy =
            ModelServer.on(0).serve(new FakeText()).trafficInterval(Duration.ofMillis(20)).start();
        Socket socket = subscribe(busy)) {
      BufferedReader lines = reader(socket);
      for (int i = 0; i < 3; i++) {
        assertThat(next(lines, "event: ")).isEqualTo("traffic");
        assertThat(json(next(lines, "data: ")).at("/data/answered").isNumber()).isTrue();
      }
    }
  }

  @Test
  void aReaderWhoDoesNotReadIsCutOffAndHoldsUpNobody() throws Exception {
    try (Socket socket = subscribe(server)) {
      awaitReader(server);
      String text = "x".repeat(20_000);
      long published = 0;
      while (server.events().anybodyReads() && published < 200_000) {
        server.events().publish("alert", "assistant", Map.of("message", text));
        published++;
        if (published > 2_000) {
          Thread.onSpinWait(); // its thread is stuck until the connection times out
        }
      }
      assertThat(server.events().anybodyReads()).isFalse();
      assertThat(socket.isConnected()).isTrue();
    }
  }

  @Test
  void webSocketsHearTheSame() throws Exception {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    URI address = URI.create(server.address().toString().replace("http", "ws") + "/v1/events");
    WebSocket socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .buildAsync(address, new Listening(heard))
            .join();
    awaitReader(server);
    server.events().publish("alert", "assistant", Map.of("level", 2));
    JsonNode event = json(heard.poll(20, TimeUnit.SECONDS));
    assertThat(event.get("type").textValue()).isEqualTo("alert");
    assertThat(event.at("/data/level").intValue()).isEqualTo(2);
    server.close();
    assertThat(heard.poll(20, TimeUnit.SECONDS)).isEqualTo("closed");
    socket.abort();
  }

  private record Listening(BlockingQueue<String> heard) implements WebSocket.Listener {
    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      heard.add(data.toString());
      socket.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
      heard.add("closed");
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      heard.add("closed");
    }
  }

  @Test
  void strangersHearNothing() throws Exception {
    try (ModelServer closed =
        ModelServer.on(0)
            .serve(new FakeText())
            .access(ServerAccess.keys(ApiKeys.inMemory()))
            .start()) {
      problem(new Client(closed.address()).get("/v1/events"), 401);
      URI address = URI.create(closed.address().toString().replace("http", "ws") + "/v1/events");
      assertThatThrownBy(
              () ->
                  HttpClient.newHttpClient()
                      .newWebSocketBuilder()
                      .buildAsync(address, new Listening(new LinkedBlockingQueue<>()))
                      .join())
          .isInstanceOf(CompletionException.class)
          .hasCauseInstanceOf(WebSocketHandshakeException.class);
      assertThat(closed.events().anybodyReads()).isFalse();
    }
  }
}
