package io.athanor.model.format.gguf;

import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Little-endian reading from the front of a file. Every length is compared with the bytes that are
 * left before anything is allocated for it, and the header as a whole is bounded.
 */
final class HeaderInput {
  /** More than any header in use; keeps a hostile file from filling the memory. */
  private static final long MAX_HEADER = 128L << 20;

  private final String source;
  private final FileChannel channel;
  private final long end;
  private final ByteBuffer window =
      ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN).limit(0);
  private long read;

  HeaderInput(String source, FileChannel channel) throws IOException {
    this.source = source;
    this.channel = channel;
    this.end = Math.min(channel.size(), MAX_HEADER);
  }

  /** Offset in the file of the next byte. */
  long position() {
    return read - window.remaining();
  }

  int u8(String what) throws IOException {
    return take(1, what).get() & 0xff;
  }

  short i16(String what) throws IOException {
    return take(2, what).getShort();
  }

  int i32(String what) throws IOException {
    return take(4, what).getInt();
  }

  long i64(String what) throws IOException {
    return take(8, what).getLong();
  }

  /**
   * A number of things that follow.
   *
   * @param size the fewest bytes that each takes in the file
   */
  int count(String what, int size, int limit) throws IOException {
    long count = i64(what);
    long fits = Math.min(limit, (end - position()) / size);
    if (count < 0 || count > fits) {
      throw fail(
          what
              + " is "
              + Long.toUnsignedString(count)
              + ", expected at most "
              + fits
              + " at this place of the file");
    }
    return (int) count;
  }

  String text(String what, int limit) throws IOException {
    byte[] bytes = new byte[count("the length of " + what, 1, limit)];
    int at = 0;
    while (at < bytes.length) {
      int n = Math.min(bytes.length - at, window.capacity());
      take(n, what).get(bytes, at, n);
      at += n;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw fail(what + " is not UTF-8");
    }
  }

  private ByteBuffer take(int bytes, String what) throws IOException {
    if (window.remaining() < bytes) {
      if (bytes > end - position()) {
        throw fail(
            "the header ends inside "
                + what
                + " at byte "
                + end
                + (end == MAX_HEADER ? ", the largest header that is read" : "; it is cut off"));
      }
      window.compact();
      while (window.position() < bytes) {
        int n = channel.read(window, read);
        if (n < 0) {
          throw fail("the file became shorter while it was read");
        }
        read += n;
      }
      window.flip();
    }
    return window;
  }

  FormatException fail(String problem) {
    return new FormatException(source, problem);
  }
}
