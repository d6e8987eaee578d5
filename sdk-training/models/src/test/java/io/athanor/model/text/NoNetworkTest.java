package io.athanor.model.text;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Reads a tokenizer in a JVM of its own, in which a socket and the choice of a proxy print a line.
 * DJL's own tokenizer class calls home when it starts, and the same recorder sees that.
 */
class NoNetworkTest {
  private static final String ALARM = "NETWORK: ";

  @Test
  void readingATokenizerTouchesNoNetwork() throws Exception {
    assertThat(outputOf("ours")).contains("read ours").doesNotContain(ALARM);
  }

  @Test
  void theRecorderSeesTheTelemetryOfPlainDjl() throws Exception {
    assertThat(outputOf("plain")).contains("read plain").contains(ALARM);
  }

  private static String outputOf(String mode) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Child.class.getName(),
            mode);
    builder.environment().keySet().removeAll(List.of("DJL_OFFLINE", "OPT_OUT_TRACKING"));
    Process child = builder.redirectErrorStream(true).start();
    String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(child.waitFor()).as(output).isZero();
    return output;
  }

  /** What the child runs. */
  static final class Child {
    private Child() {}

    @SuppressWarnings("deprecation")
    public static void main(String[] arguments) throws IOException {
      Socket.setSocketImplFactory(
          () -> {
            System.out.println(ALARM + "socket");
            throw new UncheckedIOException(new IOException("No network in this test"));
          });
      ProxySelector.setDefault(
          new ProxySelector() {
            @Override
            public List<Proxy> select(URI uri) {
              System.out.println(ALARM + "proxy for " + uri);
              return List.of(Proxy.NO_PROXY);
            }

            @Override
            public void connectFailed(URI uri, SocketAddress address, IOException e) {
              System.out.println(ALARM + "connection to " + uri);
            }
          });
      String json = Fixtures.text("tokenizers/gpt2.json");
      if (arguments[0].equals("ours")) {
        SubwordTokenizer.read("gpt2", json).encode("text", 9);
      } else {
        try (var plain =
            HuggingFaceTokenizer.newInstance(
                new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)), Map.of())) {
          plain.encode("text");
        } catch (UncheckedIOException e) {
          System.out.println(e.getMessage());
        }
      }
      System.out.println("read " + arguments[0]);
    }
  }
}
