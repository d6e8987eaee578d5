package io.athanor.server.http;

import jakarta.servlet.http.HttpServletRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;

/**
 * Reads JSON bodies within bounds of size and time, however they are sent.
 *
 * @param limit most bytes
 * @param timeout longest time for them to arrive
 */
public record RequestBody(int limit, Duration timeout) {
  /**
   * The text of a body.
   *
   * @throws HttpProblem 408, 413, 415, or 400 where the text is not UTF-8
   */
  public String read(HttpServletRequest request) {
    requireJson(request);
    if (request.getContentLengthLong() > limit) {
      throw tooLarge();
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(request))).toString();
    } catch (CharacterCodingException e) {
      throw new HttpProblem(400, "The body is not valid UTF-8");
    } catch (IOException e) {
      throw new HttpProblem(408, "The body did not arrive in time or was cut off")
          .header("Connection", "close");
    }
  }

  private static void requireJson(HttpServletRequest request) {
    String type = request.getContentType();
    if ("application/json".equals(type) && request.getHeader("Content-Encoding") == null) {
      return;
    }
    String plain = type == null ? "" : type.toLowerCase(Locale.ROOT).replace(" ", "");
    if (!plain.equals("application/json")
        && !plain.matches("application/json;charset=\"?utf-8\"?")) {
      throw new HttpProblem(
          415,
          "Expected Content-Type application/json in UTF-8, got "
              + (type == null ? "none" : "'" + type + "'"));
    }
    String encoding = request.getHeader("Content-Encoding");
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      throw new HttpProblem(
          415, "Content-Encoding '" + encoding + "' is not read; send the body as it is");
    }
  }

  private byte[] bytes(HttpServletRequest request) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] buffer = new byte[8_192];
    long deadline = System.nanoTime() + timeout.toNanos();
    InputStream in = request.getInputStream();
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      if (bytes.size() + n > limit) {
        throw tooLarge();
      }
      if (System.nanoTime() - deadline > 0) {
        throw new HttpProblem(408, "The body did not arrive within " + timeout.toSeconds() + " s")
            .header("Connection", "close");
      }
      bytes.write(buffer, 0, n);
    }
    return bytes.toByteArray();
  }

  private HttpProblem tooLarge() {
    return new HttpProblem(
            413, "The body is larger than " + limit + " bytes; send fewer or smaller inputs")
        .with("limit", limit)
        .header("Connection", "close");
  }
}
