package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.Engine;
import io.athanor.api.backend.BackendOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.channels.DatagramChannel;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.spi.AbstractSelector;
import java.nio.channels.spi.SelectorProvider;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Opens the backend in a JVM of its own, in which every way of Java to a network prints a line: the
 * factory of sockets, the choice of a proxy, and the provider of channels. DJL started without our
 * settings calls home, and the same recorder sees that; so it would see us.
 */
class NoSocketTest {
  private static final String ALARM = "NETWORK: ";

  @Test
  void openingTheBackendTouchesNoNetwork() throws Exception {
    assertThat(outputOf("backend")).contains("opened djl").doesNotContain(ALARM);
  }

  @Test
  void theRecorderSeesTheTelemetryOfPlainDjl() throws Exception {
    assertThat(outputOf("plain")).contains("opened PyTorch").contains(ALARM);
  }

  private static String outputOf(String mode) throws IOException, InterruptedException {
    return ChildJvm.output(
        ChildJvm.of(
            List.of("-Djava.nio.channels.spi.SelectorProvider=" + Channels.class.getName()),
            Child.class,
            mode));
  }

  private static void alarm(String what) {
    System.out.println(ALARM + what);
  }

  /** What the child runs. */
  static final class Child {
    private Child() {}

    @SuppressWarnings("deprecation")
    public static void main(String[] arguments) throws IOException {
      Socket.setSocketImplFactory(
          () -> {
            alarm("socket");
            throw new UncheckedIOException(new IOException("No network in this test"));
          });
      ProxySelector.setDefault(
          new ProxySelector() {
            @Override
            public List<Proxy> select(URI uri) {
              alarm("proxy for " + uri);
              return List.of(Proxy.NO_PROXY);
            }

            @Override
            public void connectFailed(URI uri, SocketAddress address, IOException e) {
              alarm("connection to " + uri);
            }
          });
      if (arguments[0].equals("backend")) {
        try (var backend = new DjlBackendProvider().open(BackendOptions.defaults())) {
          System.out.println("opened " + backend.name());
        }
      } else {
        try {
          System.out.println("opened " + Engine.getEngine(LibTorch.ENGINE).getEngineName());
        } catch (LinkageError | RuntimeException e) {
          System.out.println("opened " + LibTorch.ENGINE + " in vain: " + e);
        }
      }
    }
  }

  /** Channels that nobody should open. */
  public static final class Channels extends SelectorProvider {
    @Override
    public DatagramChannel openDatagramChannel() {
      alarm("datagram channel");
      throw new UnsupportedOperationException();
    }

    @Override
    public DatagramChannel openDatagramChannel(java.net.ProtocolFamily family) {
      return openDatagramChannel();
    }

    @Override
    public Pipe openPipe() {
      alarm("pipe");
      throw new UnsupportedOperationException();
    }

    @Override
    public AbstractSelector openSelector() {
      alarm("selector");
      throw new UnsupportedOperationException();
    }

    @Override
    public ServerSocketChannel openServerSocketChannel() {
      alarm("server channel");
      throw new UnsupportedOperationException();
    }

    @Override
    public SocketChannel openSocketChannel() {
      alarm("socket channel");
      throw new UnsupportedOperationException();
    }
  }
}
