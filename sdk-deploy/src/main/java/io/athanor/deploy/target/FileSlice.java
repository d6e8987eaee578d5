package io.athanor.deploy.target;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** A part of a file as the body of a request; begins anew each time it is sent. */
final class FileSlice extends InputStream {
  private final InputStream file;
  private final AtomicLong progress;
  private long left;

  private FileSlice(InputStream file, long length, AtomicLong progress) {
    this.file = file;
    this.left = length;
    this.progress = progress;
  }

  /** The body, of a length that is told beforehand. */
  static BodyPublisher publisher(Path file, long offset, long length, AtomicLong progress) {
    return length == 0
        ? BodyPublishers.noBody()
        : BodyPublishers.fromPublisher(
            BodyPublishers.ofInputStream(() -> open(file, offset, length, progress)), length);
  }

  private static InputStream open(Path file, long offset, long length, AtomicLong progress) {
    try {
      InputStream in = Files.newInputStream(file);
      in.skipNBytes(offset);
      return new FileSlice(in, length, progress);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (left == 0) {
      return -1;
    }
    int read = file.read(target, offset, (int) Math.min(length, left));
    if (read > 0) {
      left -= read;
      progress.addAndGet(read);
    }
    return read;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
