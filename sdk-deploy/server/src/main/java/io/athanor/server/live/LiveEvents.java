package io.athanor.server.live;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.deploy.monitor.AlertChannel;
import io.athanor.server.http.StrictJson;
import java.time.Clock;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Tells readers what happens on a server: {@code deployed}, {@code undeployed}, {@code traffic}
 * once a second, {@code alert} of models that are watched, and whatever the host application
 * publishes. Publishing never waits for a reader. Thread-safe.
 */
public final class LiveEvents implements AutoCloseable {
  private final Clock clock;
  private final Set<EventReader> readers = ConcurrentHashMap.newKeySet();
  private long published;
  private boolean closed;

  public LiveEvents(Clock clock) {
    this.clock = clock;
  }

  /** Somebody who reads events. */
  interface EventReader {
    /** Takes an event at once, or is cut off. */
    void take(LiveEvent event);

    /** There will be no more. */
    void end();
  }

  /**
   * Tells all readers who may read a model.
   *
   * @param type what it is, for example {@code "alert"}
   * @param model the name of the model it is about
   * @param data what else there is to say: texts, numbers, and lists and maps of them
   */
  public void publish(String type, String model, Map<String, ?> data) {
    ObjectNode json = StrictJson.object();
    data.forEach(json::putPOJO);
    publish(type, model, json);
  }

  /** Tells all readers who may read a model. */
  public synchronized void publish(String type, String model, ObjectNode data) {
    if (!closed) {
      LiveEvent event = new LiveEvent(++published, type, clock.instant(), model, data);
      readers.forEach(reader -> reader.take(event));
    }
  }

  /** Publishes alerts. The server has those of the watched models that it serves sent here. */
  public AlertChannel alerts() {
    return alert -> {
      int colon = alert.model().lastIndexOf(':');
      publish(
          "alert",
          colon < 0 ? alert.model() : alert.model().substring(0, colon),
          StrictJson.object()
              .put("version", alert.model().substring(colon + 1))
              .put("rule", alert.rule())
              .put("state", JsonFields.lower(alert.state()))
              .put("value", alert.value())
              .put("limit", alert.limit())
              .put("message", alert.message()));
    };
  }

  /** Whether anybody reads. */
  public boolean anybodyReads() {
    return !readers.isEmpty();
  }

  int readers() {
    return readers.size();
  }

  synchronized void add(EventReader reader) {
    if (closed) {
      reader.end();
    } else {
      readers.add(reader);
    }
  }

  void remove(EventReader reader) {
    readers.remove(reader);
  }

  /** Ends what readers read. */
  @Override
  public synchronized void close() {
    closed = true;
    readers.forEach(EventReader::end);
    readers.clear();
  }
}
