package io.athanor.registry;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;

/** A way to a server that can be cut. */
final class Wire implements AutoCloseable {
  private static final Pattern COMMIT = Pattern.compile("COMMIT(?!TED)");

  private final ServerSocket entry;
  private final int target;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private volatile boolean cutsAfterCommit;

  Wire(int target) throws IOException {
    this.target = target;
    this.entry = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  int port() {
    return entry.getLocalPort();
  }

  /** Ends all connections; new ones are let through. */
  void cut() {
    sockets.forEach(Wire::close);
    sockets.clear();
  }

  /** Ends the connection that commits next after the server was told, and before it answers. */
  void cutAfterCommit() {
    cutsAfterCommit = true;
  }

  private void accept() throws IOException {
    while (true) {
      Socket client = entry.accept();
      Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
      sockets.addAll(List.of(client, server));
      start(() -> forward(client, server, true));
      start(() -> forward(server, client, false));
    }
  }

  private void forward(Socket from, Socket to, boolean asks) throws IOException {
    InputStream in = from.getInputStream();
    OutputStream out = to.getOutputStream();
    byte[] buffer = new byte[8192];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      String text = new String(buffer, 0, count, StandardCharsets.ISO_8859_1);
      boolean last = asks && cutsAfterCommit && COMMIT.matcher(text).find();
      if (last) {
        cutsAfterCommit = false;
        close(from);
      }
      out.write(buffer, 0, count);
      if (last) {
        to.shutdownOutput();
        return;
      }
    }
    close(to);
  }

  private interface Step {
    void run() throws IOException;
  }

  private static void start(Step step) {
    Thread thread =
        new Thread(
            () -> {
              try {
                step.run();
              } catch (IOException e) {
                // Either end was closed.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    entry.close();
    cut();
  }
}
