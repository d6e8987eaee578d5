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
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.jspecify.annotations.Nullable;

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
    return read(
        request.getContentType(),
        request.getHeader("Content-Encoding"),
        request.getContentLengthLong(),
        request::getInputStream);
  }

  /**
   * The text of a body; see {@link #read(HttpServletRequest)}.
   *
   * @param request of Jetty itself
   */
  public String read(Request request) {
    HttpFields headers = request.getHeaders();
    return read(
        headers.get(HttpHeader.CONTENT_TYPE),
        headers.get(HttpHeader.CONTENT_ENCODING),
        request.getLength(),
        () -> Content.Source.asInputStream(request));
  }

  /** What is read once the headers are found good. */
  private interface Opening {
    InputStream open() throws IOException;
  }

  private String read(
      @Nullable String type, @Nullable String encoding, long length, Opening content) {
    requireJson(type, encoding);
    if (length > limit) {
      throw tooLarge();
    }
    try (InputStream in = content.open()) {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(in))).toString();
    } catch (CharacterCodingException e) {
      throw new HttpProblem(400, "The body is not valid UTF-8");
    } catch (IOException e) {
      throw new HttpProblem(408, "The body did not arrive in time or was cut off")
          .header("Connection", "close");
    }
  }

  private static void requireJson(@Nullable String type, @Nullable String encoding) {
    if ("application/json".equals(type) && encoding == null) {
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
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      throw new HttpProblem(
          415, "Content-Encoding '" + encoding + "' is not read; send the body as it is");
    }
  }

  private byte[] bytes(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] buffer = new byte[8_192];
    long deadline = System.nanoTime() + timeout.toNanos();
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
