package io.athanor.deploy.target;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;

/**
 * A program that asks a server on this machine whether it is ready, and ends with status 0 only if
 * it is. Containers run it as their health check, for images need not have another client.
 */
public final class HealthProbe {
  private static final int TIMEOUT_MILLIS = 5_000;

  private HealthProbe() {}

  /**
   * Asks once.
   *
   * @param args the address to ask, for example {@code http://127.0.0.1:8080/health/ready}
   * @throws IOException if nobody answers there, or the server is not ready; the virtual machine
   *     then ends with status 1
   */
  public static void main(String[] args) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) URI.create(args[0]).toURL().openConnection();
    connection.setConnectTimeout(TIMEOUT_MILLIS);
    connection.setReadTimeout(TIMEOUT_MILLIS);
    try {
      int status = connection.getResponseCode();
      if (status != HttpURLConnection.HTTP_OK) {
        throw new IOException(args[0] + " answered " + status);
      }
    } finally {
      connection.disconnect();
    }
  }
}
