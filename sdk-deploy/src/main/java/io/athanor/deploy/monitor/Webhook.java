package io.athanor.deploy.monitor;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Secret;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Posts alerts as JSON to an address, signed as the Standard Webhooks specification has it, so that
 * any of its libraries can verify them. A thread of its own sends one after the other; {@link
 * #send} only queues. What cannot be delivered is logged and counted, and never holds anybody up.
 * Thread-safe.
 */
public final class Webhook implements AlertChannel, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Webhook.class);
  private static final String KEY_PREFIX = "whsec_";

  private final URI address;
  private final byte[] key;
  private final Settings settings;
  private final HttpClient client;
  private final ThreadPoolExecutor sender;
  private final AtomicLong delivered = new AtomicLong();
  private final AtomicLong lost = new AtomicLong();

  /**
   * How to send.
   *
   * @param attempts for one alert, at least 1
   * @param delay before the second attempt; doubled before each further one
   * @param timeout of one attempt
   * @param queue alerts that may wait, at least 1
   * @param clock stamps what is sent
   */
  public record Settings(int attempts, Duration delay, Duration timeout, int queue, Clock clock) {
    /** Five attempts within about a minute, of ten seconds at most; a hundred may wait. */
    public static final Settings DEFAULT =
        new Settings(5, Duration.ofSeconds(4), Duration.ofSeconds(10), 100, Clock.systemUTC());

    public Settings {
      if (attempts < 1 || queue < 1) {
        throw new IllegalArgumentException(
            "attempts and queue must be at least 1, got " + attempts + " and " + queue);
      }
      if (delay.isNegative() || timeout.isNegative() || timeout.isZero()) {
        throw new IllegalArgumentException(
            "delay must not be negative and timeout positive, got " + delay + " and " + timeout);
      }
    }
  }

  private Webhook(URI address, byte[] key, Settings settings) {
    this.address = address;
    this.key = key;
    this.settings = settings;
    this.client =
        HttpClient.newBuilder()
            .connectTimeout(settings.timeout())
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
    this.sender =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(settings.queue()),
            task -> {
              Thread thread = new Thread(task, "athanor-webhook");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Opens a webhook that sends as {@link Settings#DEFAULT} says. */
  public static Webhook to(URI address, Secret key) {
    return to(address, key, Settings.DEFAULT);
  }

  /**
   * Opens a webhook. The caller closes it.
   *
   * @param address with the scheme http or https
   * @param key shared with the receiver: 24 to 64 bytes in Base64, {@code whsec_} may stand before
   * @throws IllegalArgumentException if address or key are not so
   */
  public static Webhook to(URI address, Secret key, Settings settings) {
    if (address.getHost() == null
        || !("https".equals(address.getScheme()) || "http".equals(address.getScheme()))) {
      throw new IllegalArgumentException(
          "address must be absolute, with the scheme http or https, got the scheme "
              + address.getScheme());
    }
    return new Webhook(address, bytes(key), settings);
  }

  private static byte[] bytes(Secret key) {
    String text = key.reveal();
    byte[] bytes;
    try {
      bytes =
          Base64.getDecoder()
              .decode(text.startsWith(KEY_PREFIX) ? text.substring(KEY_PREFIX.length()) : text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("key must be Base64, and it is not");
    }
    if (bytes.length < 24 || bytes.length > 64) {
      throw new IllegalArgumentException("key must have 24 to 64 bytes, got " + bytes.length);
    }
    return bytes;
  }

  @Override
  public void send(Alert alert) {
    String id = "msg_" + UUID.randomUUID().toString().replace("-", "");
    String body = json(alert).toString();
    try {
      sender.execute(() -> deliver(id, body));
    } catch (java.util.concurrent.RejectedExecutionException e) {
      lose(id, sender.isShutdown() ? "the webhook is closed" : "too many alerts wait already");
    }
  }

  /** How many alerts were taken by the receiver. */
  public long delivered() {
    return delivered.get();
  }

  /** How many alerts were given up. */
  public long lost() {
    return lost.get();
  }

  private static ObjectNode json(Alert alert) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("type", "athanor.alert." + JsonFields.lower(alert.state()));
    json.put("timestamp", alert.at().toString());
    json.putObject("data")
        .put("rule", alert.rule())
        .put("state", JsonFields.lower(alert.state()))
        .put("model", alert.model())
        .put("value", alert.value())
        .put("limit", alert.limit())
        .put("message", alert.message());
    return json;
  }

  private void deliver(String id, String body) {
    String problem = "";
    try {
      for (int attempt = 1; attempt <= settings.attempts(); attempt++) {
        if (attempt > 1) {
          Thread.sleep(settings.delay().toMillis() << Math.min(attempt - 2, 10));
        }
        try {
          int status =
              client.send(request(id, body), HttpResponse.BodyHandlers.discarding()).statusCode();
          if (status / 100 == 2) {
            delivered.incrementAndGet();
            return;
          }
          problem = "it answered " + status;
          if (status / 100 != 5 && status != 429 && status != 408) {
            break;
          }
        } catch (IOException e) {
          problem = e.toString();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      problem = "the webhook was closed";
    }
    lose(id, problem);
  }

  private HttpRequest request(String id, String body) {
    String stamp = Long.toString(settings.clock().instant().getEpochSecond());
    return HttpRequest.newBuilder(address)
        .timeout(settings.timeout())
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", stamp)
        .header("webhook-signature", "v1," + signature(id + "." + stamp + "." + body))
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  private String signature(String content) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return Base64.getEncoder()
          .encodeToString(mac.doFinal(content.getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has HmacSHA256", e);
    }
  }

  /** The address itself may hold a secret. */
  private void lose(String id, String problem) {
    lost.incrementAndGet();
    LOG.warn("The alert {} could not be sent to {}: {}", id, address.getHost(), problem);
  }

  /** Gives what waits as long as one attempt may take, then gives it up; twice is fine. */
  @Override
  public void close() {
    sender.shutdown();
    try {
      if (!sender.awaitTermination(settings.timeout().toMillis(), TimeUnit.MILLISECONDS)) {
        lost.addAndGet(sender.shutdownNow().size());
      }
    } catch (InterruptedException e) {
      lost.addAndGet(sender.shutdownNow().size());
      Thread.currentThread().interrupt();
    }
  }
}
