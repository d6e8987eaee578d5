package io.athanor.registry.archive;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** The lines of a text, none longer than it may be. */
final class Lines implements AutoCloseable {
  private static final int MOST_BYTES = 1 << 26;

  private final String source;
  private final InputStream in;

  Lines(String source, InputStream in) {
    this.source = source;
    this.in = new BufferedInputStream(in, 1 << 16);
  }

  /**
   * The next line.
   *
   * @throws FormatException if it is too long, or does not end
   */
  Optional<String> next() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0 && line.size() == 0) {
        return Optional.empty();
      }
      if (b < 0) {
        throw new FormatException(source, "the last line does not end; the file is cut off");
      }
      if (line.size() == MOST_BYTES) {
        throw new FormatException(source, "a line of more than " + MOST_BYTES + " bytes");
      }
      line.write(b);
    }
    return Optional.of(line.toString(StandardCharsets.UTF_8));
  }

  static StorageException unreadable(String source, IOException e) {
    return new StorageException(source, "cannot be read (" + e + ")", e);
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
