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
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
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

  /**
   * What is there under a key.
   *
   * @param same whether it is the content it was compared with
   * @param tag the server's name for this state of the object; empty if there is none
   */
  record Held(boolean same, String tag) {}

  /**
   * Compares an object with a file.
   *
   * @param read whether to compare the bytes, not only their number
   * @throws StorageException if it cannot be found out
   */
  Held compare(String key, LocalContent content, boolean read) {
    try {
      HeadObjectResponse head =
          bucket.client().headObject(request -> request.bucket(bucket.name()).key(key));
      if (!read || head.contentLength() != content.bytes()) {
        return new Held(head.contentLength() == content.bytes(), head.eTag());
      }
    } catch (NoSuchKeyException e) {
      return new Held(false, "");
    } catch (SdkException e) {
      throw bucket.failure(key, e);
    }
    MessageDigest digest = Digest.sha256();
    try {
      Optional<String> tag = run(key, (buffer, n) -> digest.update(buffer, 0, n));
      return new Held(Digest.finish(digest).equals(content.digest()), tag.orElse(""));
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
    Optional<String> tag =
        run(
            key,
            (buffer, n) -> {
              ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n);
              while (bytes.hasRemaining()) {
                target.write(bytes);
              }
            });
    if (tag.isEmpty()) {
      throw new NotFoundException(
          "content " + name + " at " + bucket.place(key),
          List.of(),
          "It was never put there, or has been deleted");
    }
  }

  /** Gives the object's tag, if there is such an object. */
  private Optional<String> run(String key, Sink sink) throws IOException {
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
          return Optional.of(tag);
        }
        in.abort();
        fruitless = done > before ? 0 : fruitless + 1;
        if (fruitless >= attempts) {
          throw new StorageException(
              bucket.place(key), "breaks off after " + done + " of " + end + " bytes. Try again");
        }
      } catch (NoSuchKeyException e) {
        return Optional.empty();
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
