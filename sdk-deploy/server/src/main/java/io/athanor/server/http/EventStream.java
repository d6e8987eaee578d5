package io.athanor.server.http;

import io.javalin.http.Context;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Server-sent events (WHATWG HTML, "Server-sent events") as the answer to a request. Each is sent
 * at once. Not thread-safe.
 */
public final class EventStream {
  private final ServletOutputStream out;
  private boolean open = true;

  private EventStream(ServletOutputStream out) {
    this.out = out;
  }

  /** Begins the answer with status 200. */
  public static EventStream begin(Context ctx) throws IOException {
    HttpServletResponse response = ctx.res();
    response.setStatus(200);
    response.setContentType("text/event-stream;charset=utf-8");
    response.setHeader("Cache-Control", "no-cache");
    response.setHeader("X-Accel-Buffering", "no");
    EventStream stream = new EventStream(response.getOutputStream());
    stream.out.flush();
    return stream;
  }

  /** Sends an event without a name; see {@link #write}. */
  public boolean data(String text) {
    return write("data: " + text + "\n\n");
  }

  /**
   * Sends an event.
   *
   * @param text one line, which JSON is
   * @return whether somebody still reads
   */
  public boolean event(String name, String text) {
    return write("event: " + name + "\ndata: " + text + "\n\n");
  }

  /** Sends what readers ignore, to learn whether there still are any. */
  public boolean keepAlive() {
    return write(":\n\n");
  }

  private boolean write(String text) {
    if (open) {
      try {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
      } catch (IOException e) {
        open = false; // whoever read is gone, which is theirs to decide
      }
    }
    return open;
  }
}
