package io.athanor.store.s3;

import io.athanor.api.common.Digest;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.security.MessageDigest;
import java.util.List;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;

/** Reads objects; a body that breaks off is asked for again from there. */
final class Download {
  private static final Logger LOG = LoggerFactory.getLogger(Download.class);
  private static final int BUFFER = 1 << 16;

  private final Bucket bucket;
  private final int attempts;

  Download(Bucket bucket, int attempts) {
    this.bucket = bucket;
    this.attempts = attempts;
  }

  /** Takes what is read. */
  @FunctionalInterface
  private interface Sink {
    void accept(byte[] buffer, int length) throws IOException;
  }

  /** The length of an object, if it is there. */
  OptionalLong length(String key) {
    try {
      return OptionalLong.of(
          bucket
              .client()
              .headObject(request -> request.bucket(bucket.name()).key(key))
              .contentLength());
    } catch (NoSuchKeyException e) {
      return OptionalLong.empty();
    } catch (SdkException e) {
      throw bucket.failure(key, e);
    }
  }

  /**
   * Whether an object has a file's content.
   *
   * @param read whether to compare the bytes, too, not only their number
   * @throws StorageException if it cannot be found out
   */
  boolean holds(String key, LocalContent content, boolean read) {
    OptionalLong length = length(key);
    if (length.isEmpty() || length.getAsLong() != content.bytes()) {
      return false;
    }
    if (!read) {
      return true;
    }
    MessageDigest digest = Digest.sha256();
    try {
      boolean there = run(key, (buffer, n) -> digest.update(buffer, 0, n));
      return there && Digest.finish(digest).equals(content.digest());
    } catch (IOException e) {
      throw new IllegalStateException("Computing a digest writes nothing", e);
    }
  }

  /**
   * Writes an object to a channel.
   *
   * @throws NotFoundException if it is not there
   * @throws IOException if the channel cannot be written
   */
  void run(String key, Digest name, WritableByteChannel target) throws IOException {
    boolean there =
        run(
            key,
            (buffer, n) -> {
              ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n);
              while (bytes.hasRemaining()) {
                target.write(bytes);
              }
            });
    if (!there) {
      throw new NotFoundException(
          "content " + name + " at " + bucket.place(key),
          List.of(),
          "It was never put there, or has been deleted");
    }
  }

  /** False if there is no such object. */
  private boolean run(String key, Sink sink) throws IOException {
    long done = 0;
    String tag = "";
    int fruitless = 0;
    while (true) {
      try (ResponseInputStream<GetObjectResponse> in =
          bucket.client().getObject(request(key, done, tag))) {
        long end = done + in.response().contentLength();
        tag = String.valueOf(in.response().eTag());
        long before = done;
        done = copy(in, done, sink);
        if (done == end) {
          return true;
        }
        in.abort();
        fruitless = done > before ? 0 : fruitless + 1;
        if (fruitless >= attempts) {
          throw new StorageException(
              bucket.place(key), "breaks off after " + done + " of " + end + " bytes. Try again");
        }
      } catch (NoSuchKeyException e) {
        return false;
      } catch (SdkException e) {
        throw bucket.failure(key, e);
      }
    }
  }

  private GetObjectRequest request(String key, long from, String tag) {
    GetObjectRequest.Builder request = GetObjectRequest.builder().bucket(bucket.name()).key(key);
    if (from > 0) {
      request.range("bytes=" + from + "-").ifMatch(tag);
    }
    return request.build();
  }

  /** How many bytes have come once the body ends or breaks off. */
  private static long copy(InputStream in, long from, Sink sink) throws IOException {
    long done = from;
    byte[] buffer = new byte[BUFFER];
    for (int n = read(in, buffer); n >= 0; n = read(in, buffer)) {
      sink.accept(buffer, n);
      done += n;
    }
    return done;
  }

  private static int read(InputStream in, byte[] buffer) {
    try {
      return in.read(buffer);
    } catch (IOException e) {
      LOG.debug("the connection broke off", e);
      return -1;
    }
  }
}
