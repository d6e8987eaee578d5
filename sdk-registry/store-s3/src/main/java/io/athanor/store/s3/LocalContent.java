package io.athanor.store.s3;

import io.athanor.api.common.Digest;
import io.athanor.api.error.StorageException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;

/** A file that is to be stored. */
record LocalContent(Path file, long bytes, Digest digest) {
  private static final int BUFFER = 1 << 16;

  /**
   * @throws StorageException if it cannot be read
   */
  static LocalContent of(Path file) {
    try {
      return new LocalContent(file, Files.size(file), Digest.ofFile(file));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** The MD5 of a range, as the header Content-MD5 has it. */
  String md5(long from, long length) {
    return Base64.getEncoder().encodeToString(md5Bytes(from, length));
  }

  /** The MD5 of a range, as tags of parts have it. */
  String md5Hex(long from, long length) {
    return HexFormat.of().formatHex(md5Bytes(from, length));
  }

  private byte[] md5Bytes(long from, long length) {
    try (InputStream in = range(from, length)) {
      MessageDigest md5 = MessageDigest.getInstance("MD5");
      byte[] buffer = new byte[BUFFER];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        md5.update(buffer, 0, n);
      }
      return md5.digest();
    } catch (IOException e) {
      throw unreadable(file, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has MD5", e);
    }
  }

  /** A range as a new stream. */
  InputStream open(long from, long length) {
    try {
      return range(from, length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private InputStream range(long from, long length) throws IOException {
    InputStream in = Files.newInputStream(file);
    boolean ready = false;
    try {
      in.skipNBytes(from);
      ready = true;
      return new Limited(in, length);
    } finally {
      if (!ready) {
        in.close();
      }
    }
  }

  private static StorageException unreadable(Path file, IOException e) {
    return new StorageException(file.toString(), "cannot be read (" + e + ")", e);
  }

  /** The beginning of a stream. */
  private static final class Limited extends FilterInputStream {
    private long left;

    Limited(InputStream in, long length) {
      super(in);
      this.left = length;
    }

    @Override
    public int read() throws IOException {
      int next = left > 0 ? in.read() : -1;
      left -= next >= 0 ? 1 : 0;
      return next;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (left == 0) {
        return -1;
      }
      int n = in.read(target, offset, (int) Math.min(length, left));
      left -= Math.max(n, 0);
      return n;
    }

    @Override
    public long skip(long count) throws IOException {
      long skipped = in.skip(Math.min(count, left));
      left -= skipped;
      return skipped;
    }

    @Override
    public int available() throws IOException {
      return (int) Math.min(in.available(), left);
    }

    @Override
    public boolean markSupported() {
      return false;
    }
  }
}
