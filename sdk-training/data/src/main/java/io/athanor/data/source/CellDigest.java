package io.athanor.data.source;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Pixels;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * SHA-256 over cells in the order given. Each is preceded by its kind and length, so that different
 * cells never give the same bytes.
 */
public final class CellDigest {
  private final MessageDigest digest = Digest.sha256();
  private final ByteBuffer head = ByteBuffer.allocate(9);

  /** Adds a cell; null is a missing one. */
  public CellDigest cell(@Nullable Object cell) {
    if (cell == null) {
      return head('0', 0);
    }
    if (cell instanceof Double number) {
      return head('n', Double.doubleToLongBits(number));
    }
    if (cell instanceof Pixels pixels) {
      return pixels(pixels);
    }
    return text(cell.toString());
  }

  /** Adds a text. */
  public CellDigest text(String text) {
    return bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Adds bytes. */
  public CellDigest bytes(byte[] bytes) {
    head('t', bytes.length);
    digest.update(bytes);
    return this;
  }

  /** Marks the end of a row. */
  public CellDigest endRow() {
    return head('r', 0);
  }

  private CellDigest pixels(Pixels pixels) {
    head('w', pixels.width());
    head('h', pixels.height());
    head('c', pixels.channels());
    byte[] line = new byte[pixels.width() * pixels.channels()];
    for (int y = 0; y < pixels.height(); y++) {
      for (int i = 0; i < line.length; i++) {
        line[i] = (byte) pixels.at(i / pixels.channels(), y, i % pixels.channels());
      }
      digest.update(line);
    }
    return this;
  }

  private CellDigest head(char kind, long value) {
    digest.update(head.clear().put((byte) kind).putLong(value).array());
    return this;
  }

  /** The digest of everything added; call it once, last. */
  public Digest finish() {
    return Digest.finish(digest);
  }
}
