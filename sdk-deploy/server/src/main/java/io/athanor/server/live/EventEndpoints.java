package io.athanor.server.live;

import io.athanor.api.registry.Permission;
import io.athanor.server.access.Caller;
import io.athanor.server.http.EventStream;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.Route;
import io.javalin.http.Context;
import io.javalin.websocket.WsConfig;
import io.javalin.websocket.WsContext;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.eclipse.jetty.websocket.api.StatusCode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Events as server-sent events and over WebSocket, at the same path. A reader who is {@link
 * #MOST_BEHIND} events behind is cut off. Thread-safe.
 */
public final class EventEndpoints {
  /** Where. */
  public static final String PATH = "/v1/events";

  static final int MOST_BEHIND = 256;

  private static final Logger LOG = LoggerFactory.getLogger(EventEndpoints.class);
  private static final int MOST_READERS = 64;
  private static final long KEEP_ALIVE_SECONDS = 5;

  private final LiveEvents events;
  private final Map<String, SocketReader> sockets = new ConcurrentHashMap<>();

  public EventEndpoints(LiveEvents events) {
    this.events = events;
  }

  public List<Route> routes() {
    return List.of(Route.get(PATH, this::stream));
  }

  private void requireRoom() {
    if (events.readers() >= MOST_READERS) {
      throw HttpProblem.unavailable(MOST_READERS + " readers read events already");
    }
  }

  private void stream(Context ctx) throws IOException {
    requireRoom();
    StreamReader reader = new StreamReader(Caller.of(ctx));
    EventStream out = EventStream.begin(ctx);
    events.add(reader);
    try {
      reader.forward(out);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      events.remove(reader);
    }
  }

  /** A reader of server-sent events; the request's thread writes. */
  private static final class StreamReader implements LiveEvents.EventReader {
    private final Caller caller;
    private final BlockingQueue<LiveEvent> waiting = new ArrayBlockingQueue<>(MOST_BEHIND);
    private volatile boolean ended;

    StreamReader(Caller caller) {
      this.caller = caller;
    }

    @Override
    public void take(LiveEvent event) {
      if (caller.may(Permission.READ, event.model()) && !waiting.offer(event)) {
        ended = true;
      }
    }

    @Override
    public void end() {
      ended = true;
    }

    void forward(EventStream out) throws InterruptedException {
      long lastSent = System.nanoTime();
      boolean open = out.keepAlive();
      while (open && !ended) {
        LiveEvent event = waiting.poll(100, TimeUnit.MILLISECONDS);
        if (event != null) {
          open = out.event(event.type(), event.json());
          lastSent = System.nanoTime();
        } else if (System.nanoTime() - lastSent > TimeUnit.SECONDS.toNanos(KEEP_ALIVE_SECONDS)) {
          open = out.keepAlive();
          lastSent = System.nanoTime();
        }
      }
    }
  }

  /** Prepares the WebSocket; what its readers say is not read. */
  public void webSocket(WsConfig socket) {
    socket.onConnect(this::connect);
    socket.onClose(ctx -> disconnect(ctx.sessionId()));
    socket.onError(ctx -> disconnect(ctx.sessionId()));
  }

  private void connect(WsContext ctx) {
    Caller caller = ctx.attribute(Caller.ATTRIBUTE);
    if (caller == null || events.readers() >= MOST_READERS) {
      ctx.closeSession(StatusCode.TRY_AGAIN_LATER, "too many readers");
      return;
    }
    ctx.session.setMaxOutgoingFrames(MOST_BEHIND);
    SocketReader reader = new SocketReader(caller, ctx.session);
    sockets.put(ctx.sessionId(), reader);
    events.add(reader);
  }

  private void disconnect(String session) {
    SocketReader reader = sockets.remove(session);
    if (reader != null) {
      events.remove(reader);
    }
  }

  /** A reader over WebSocket; the network's threads write. */
  private record SocketReader(Caller caller, Session session) implements LiveEvents.EventReader {
    @Override
    public void take(LiveEvent event) {
      if (caller.may(Permission.READ, event.model())) {
        session.sendText(event.json(), Callback.from(() -> {}, this::cut));
      }
    }

    private void cut(Throwable cause) {
      LOG.debug("A reader of events is cut off", cause);
      session.disconnect();
    }

    @Override
    public void end() {
      session.close(StatusCode.SHUTDOWN, "the server is shutting down", Callback.NOOP);
    }
  }
}
