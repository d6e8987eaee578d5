package io.athanor.data.source;

import io.athanor.api.common.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Finds records in the bytes of a text file: lines, or lines whose quoted cells may contain line
 * breaks (RFC 4180). After a malformed record it goes on at the line that follows the record's
 * first.
 */
final class RecordScanner implements AutoCloseable {
  private static final int SHOWN = 1_000;

  private final TextContent content;
  private final TextContent.Access access;
  private final int limit;
  private final int separator;
  private final int quote;
  private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
  private final MessageDigest digest = Digest.sha256();

  private final byte[] buffer = new byte[1 << 13];
  private long bufferStart;
  private int at;
  private int end;
  private long digested;

  private byte[] bytes = new byte[256];
  private int size;
  private long position;
  private long nextLine = 1;
  private long line;
  private @Nullable String problem;
  private String text = "";

  /**
   * @param limit most bytes of a record
   * @param separator between cells, or -1 where a record is a line
   * @param quote around cells, or -1 where a record is a line
   */
  RecordScanner(TextContent content, int limit, int separator, int quote) {
    this.content = content;
    this.limit = limit;
    this.separator = separator;
    this.quote = quote;
    this.access = content.open();
    skipByteOrderMark();
  }

  /** Bytes before the record. */
  long position() {
    return position;
  }

  /** The record's first line, counted from 1; right only if the scanner was never moved. */
  long line() {
    return line;
  }

  /** Why the record is malformed, or null. */
  @Nullable String problem() {
    return problem;
  }

  /** The record's text; that of a malformed one is cut and may hold replacement characters. */
  String text() {
    return text;
  }

  /** Goes to a position that {@link #position} gave. */
  void seek(long target) {
    if (target >= bufferStart && target < bufferStart + end) {
      at = (int) (target - bufferStart);
    } else {
      bufferStart = target;
      at = 0;
      end = 0;
    }
  }

  /** The digest of all bytes, once the end was reached without moving. */
  Digest fingerprint() {
    return Digest.finish(digest);
  }

  /** Finds the next record that is not an empty line; false at the end. */
  boolean next() {
    while (find()) {
      if (size > 0 || problem != null) {
        return true;
      }
    }
    return false;
  }

  private boolean find() {
    position = bufferStart + at;
    line = nextLine;
    size = 0;
    problem = null;
    long secondLine = -1;
    boolean quoted = false;
    boolean cellStart = true;
    boolean quoteBefore = false;
    while (true) {
      int b = read();
      if (b < 0) {
        if (bufferStart + at == position) {
          return false;
        }
        if (quoted) {
          problem = "a quoted cell begins here and never ends. Close or double the quote";
        }
        break;
      }
      boolean lineBreak = b == '\n' || (b == '\r' && quote >= 0 && !nextIs('\n'));
      if (lineBreak) {
        nextLine++;
        if (!quoted) {
          break;
        }
        if (secondLine < 0) {
          secondLine = bufferStart + at;
        }
      }
      if (size == limit) {
        problem =
            "the record is longer than "
                + limit
                + " bytes. If a quote is not closed, close it; else raise maximumRecordBytes";
        if (secondLine < 0 && !lineBreak) {
          skipLine();
        }
        break;
      }
      append((byte) b);
      if (b == quote && (quoted || cellStart || quoteBefore)) {
        quoteBefore = quoted;
        quoted = !quoted;
        cellStart = false;
      } else {
        quoteBefore = false;
        cellStart = !quoted && b == separator;
      }
    }
    if (size > 0 && bytes[size - 1] == '\r') {
      size--;
    }
    if (problem != null && secondLine >= 0) {
      seek(secondLine);
      nextLine = line + 1;
    }
    decode();
    return true;
  }

  private void decode() {
    if (problem == null) {
      try {
        text = utf8.decode(ByteBuffer.wrap(bytes, 0, size)).toString();
        return;
      } catch (CharacterCodingException e) {
        problem = "the bytes are not UTF-8 (" + e.getMessage() + "). Convert the file to UTF-8";
      }
    }
    text = new String(bytes, 0, Math.min(size, SHOWN), StandardCharsets.UTF_8);
  }

  private void append(byte b) {
    if (size == bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.min(limit, size * 2));
    }
    bytes[size++] = b;
  }

  private void skipLine() {
    for (int b = read(); b >= 0 && b != '\n'; b = read()) {
      // not kept
    }
    nextLine++;
  }

  private boolean nextIs(int wanted) {
    if (at == end && !fill()) {
      return false;
    }
    return buffer[at] == wanted;
  }

  private int read() {
    if (at == end && !fill()) {
      return -1;
    }
    return buffer[at++] & 0xFF;
  }

  private boolean fill() {
    try {
      int n = access.read(bufferStart + end, buffer);
      bufferStart += end;
      at = 0;
      end = Math.max(n, 0);
      if (bufferStart <= digested && digested < bufferStart + end) {
        int known = (int) (digested - bufferStart);
        digest.update(buffer, known, end - known);
        digested = bufferStart + end;
      }
      return n > 0;
    } catch (IOException e) {
      throw content.failure(e);
    }
  }

  private void skipByteOrderMark() {
    int first = read();
    int second = read();
    int third = read();
    if (first == 0xEF && second == 0xBB && third == 0xBF) {
      return;
    }
    seek(0);
  }

  @Override
  public void close() {
    try {
      access.close();
    } catch (IOException e) {
      throw content.failure(e);
    }
  }
}
