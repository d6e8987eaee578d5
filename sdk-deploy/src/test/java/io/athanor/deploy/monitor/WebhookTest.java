package io.athanor.deploy.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.athanor.api.common.Secret;
import io.athanor.tck.fixture.TestClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WebhookTest {
  private static final byte[] KEY =
      "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
  private static final Secret SECRET =
      Secret.of("whsec_" + Base64.getEncoder().encodeToString(KEY));
  private static final Alert ALERT =
      new Alert(
          "drift",
          Alert.State.FIRING,
          "ages:3",
          Instant.parse("2026-01-02T03:04:05Z"),
          2,
          0,
          "two \"traits\" drifted");

  private record Received(Map<String, List<String>> headers, String body) {}

  private final List<Received> received = new CopyOnWriteArrayList<>();
  private final Deque<Integer> statuses = new ArrayDeque<>();
  private final CountDownLatch gate = new CountDownLatch(1);
  private boolean gated;
  private HttpServer server;

  @BeforeEach
  void listen() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    gate.countDown();
    server.stop(0);
  }

  private synchronized void answer(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    received.add(new Received(Map.copyOf(exchange.getRequestHeaders()), body));
    if (gated) {
      try {
        gate.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    Integer status = statuses.poll();
    exchange.sendResponseHeaders(status == null ? 204 : status, -1);
    exchange.close();
  }

  @Test
  void postsAnAlertWithASignatureThatTheReceiverCanVerify() throws Exception {
    Webhook webhook = webhook(3, 10);
    webhook.send(ALERT);
    webhook.close();

    assertThat(webhook.delivered()).isEqualTo(1);
    Received one = received.get(0);
    JsonNode json = new ObjectMapper().readTree(one.body());
    assertThat(json.get("type").textValue()).isEqualTo("athanor.alert.firing");
    assertThat(json.get("data").get("message").textValue()).isEqualTo("two \"traits\" drifted");
    assertThat(json.get("data").get("model").textValue()).isEqualTo("ages:3");
    String id = header(one, "Webhook-id");
    String stamp = header(one, "Webhook-timestamp");
    assertThat(stamp).isEqualTo("1767225600");
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
    byte[] expected =
        mac.doFinal((id + "." + stamp + "." + one.body()).getBytes(StandardCharsets.UTF_8));
    assertThat(header(one, "Webhook-signature"))
        .isEqualTo("v1," + Base64.getEncoder().encodeToString(expected));
  }

  @Test
  void triesAgainWithTheSameIdWhereThatMayHelp() {
    statuses.addAll(List.of(503, 429, 200));
    Webhook webhook = webhook(5, 10);
    webhook.send(ALERT);
    webhook.close();

    assertThat(received).hasSize(3);
    assertThat(received)
        .extracting(one -> header(one, "Webhook-id"))
        .containsOnly(header(received.get(0), "Webhook-id"));
    assertThat(webhook.delivered()).isEqualTo(1);
    assertThat(webhook.lost()).isZero();
  }

  @Test
  void givesUpWhereItCannotHelpAndAfterTheLastAttempt() {
    statuses.addAll(List.of(401, 500, 500));
    Webhook webhook = webhook(2, 10);
    webhook.send(ALERT);
    webhook.send(ALERT);
    webhook.close();

    assertThat(received).hasSize(3);
    assertThat(webhook.delivered()).isZero();
    assertThat(webhook.lost()).isEqualTo(2);
  }

  @Test
  void neverHoldsAnybodyUpThoughTheReceiverHangs() {
    gated = true;
    Webhook webhook = webhook(1, 2);
    for (int i = 0; i < 50; i++) {
      webhook.send(ALERT);
    }

    assertThat(webhook.lost()).isBetween(47L, 48L);
    gate.countDown();
    webhook.close();
    assertThat(webhook.lost() + webhook.delivered()).isEqualTo(50);
    webhook.send(ALERT);
    assertThat(webhook.lost() + webhook.delivered()).isEqualTo(51);
  }

  @Test
  void refusesAddressesAndKeysThatCannotBe() {
    assertThatThrownBy(() -> Webhook.to(URI.create("ftp://example.org"), SECRET))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("scheme http or https");
    assertThatThrownBy(() -> Webhook.to(URI.create("https://example.org"), Secret.of("c2hvcnQ=")))
        .hasMessage("key must have 24 to 64 bytes, got 5");
    assertThatThrownBy(() -> Webhook.to(URI.create("https://example.org"), Secret.of("?!")))
        .hasMessage("key must be Base64, and it is not");
  }

  private Webhook webhook(int attempts, int queue) {
    return Webhook.to(
        URI.create("http://localhost:" + server.getAddress().getPort() + "/hook"),
        SECRET,
        new Webhook.Settings(
            attempts, Duration.ZERO, Duration.ofSeconds(20), queue, TestClock.standing()));
  }

  private static String header(Received one, String name) {
    return one.headers().get(name).get(0);
  }
}
