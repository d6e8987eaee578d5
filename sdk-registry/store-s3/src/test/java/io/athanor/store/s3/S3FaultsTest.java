package io.athanor.store.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.common.Secret;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.jclouds.blobstore.BlobStore;
import org.jclouds.blobstore.domain.Blob;
import org.jclouds.blobstore.domain.MultipartPart;
import org.jclouds.blobstore.domain.MultipartUpload;
import org.jclouds.blobstore.options.PutOptions;
import org.jclouds.blobstore.util.ForwardingBlobStore;
import org.jclouds.io.Payload;
import org.jclouds.io.Payloads;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers that lie, fail, refuse and die. */
class S3FaultsTest {
  private static final int MEBI = 1 << 20;

  @TempDir private Path temp;
  private S3Server server;

  @BeforeEach
  void start() {
    server = new S3Server();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private Path file(int bytes) throws IOException {
    byte[] content = new byte[bytes];
    new Random(bytes).nextBytes(content);
    return Files.write(temp.resolve("file-" + bytes), content);
  }

  /** Numbers of the parts that reached the server, in the order they did. */
  private static final class CountingParts extends ForwardingBlobStore {
    private final List<Integer> arrived = new ArrayList<>();
    private final int failsFrom;

    CountingParts(BlobStore behind, int failsFrom) {
      super(behind);
      this.failsFrom = failsFrom;
    }

    @Override
    public MultipartPart uploadMultipartPart(MultipartUpload upload, int number, Payload payload) {
      if (number >= failsFrom) {
        throw failure();
      }
      arrived.add(number);
      return super.uploadMultipartPart(upload, number, payload);
    }
  }

  /** The server answers 500. */
  private static UncheckedIOException failure() {
    return new UncheckedIOException(new IOException("the disk of the server is gone"));
  }

  @Test
  void uploadsLargeContentsInParts() throws IOException {
    Path file = file(12 * MEBI + 7);
    Digest name = Digest.ofFile(file);
    CountingParts parts = new CountingParts(server.memory(), Integer.MAX_VALUE);
    server.restart(memory -> parts);
    try (S3Blobs store = server.store().parts(5 * MEBI).build()) {
      store.put(name, file);
      store.get(name, temp.resolve("back"));
    }

    assertThat(parts.arrived).containsExactly(1, 2, 3);
    assertThat(temp.resolve("back")).hasSameBinaryContentAs(file);
    assertThat(server.memory().listMultipartUploads(S3Server.BUCKET)).isEmpty();
  }

  @Test
  void goesOnWithThePartsOfAnInterruptedUpload() throws IOException {
    Path file = file(17 * MEBI);
    Digest name = Digest.ofFile(file);
    CountingParts dying = new CountingParts(server.memory(), 3);
    server.restart(memory -> dying);
    try (S3Blobs store = server.store().parts(5 * MEBI).build()) {
      assertThatThrownBy(() -> store.put(name, file))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("s3://models/registry/sha256/")
          .hasMessageContaining("Try again later");
      assertThat(store.has(name)).isFalse();
    }
    assertThat(dying.arrived).containsExactly(1, 2);

    CountingParts sound = new CountingParts(server.memory(), Integer.MAX_VALUE);
    server.restart(memory -> sound);
    try (S3Blobs store = server.store().parts(5 * MEBI).build()) {
      store.put(name, file);
      store.get(name, temp.resolve("back"));
    }
    assertThat(sound.arrived).containsExactly(3, 4);
    assertThat(temp.resolve("back")).hasSameBinaryContentAs(file);
  }

  @Test
  void doesNotGoOnWithTheUploadOfSomethingElse() throws IOException {
    Path first = file(11 * MEBI);
    Path second = file(12 * MEBI);
    Digest name = Digest.ofFile(second);
    server.restart(memory -> new CountingParts(memory, 2));
    try (S3Blobs store = server.store().parts(5 * MEBI).build()) {
      assertThatThrownBy(() -> store.put(name, first)).isInstanceOf(StorageException.class);
    }

    CountingParts sound = new CountingParts(server.memory(), Integer.MAX_VALUE);
    server.restart(memory -> sound);
    try (S3Blobs store = server.store().parts(5 * MEBI).build()) {
      store.put(name, second);
      assertThat(sound.arrived).containsExactly(1, 2, 3);

      assertThat(store.removeStale(Instant.now().minus(Duration.ofHours(1)))).isZero();
      assertThat(store.removeStale(Instant.now().plus(Duration.ofHours(1)))).isEqualTo(1);
      assertThat(store.has(name)).isTrue();
    }
    assertThat(server.memory().listMultipartUploads(S3Server.BUCKET)).isEmpty();
  }

  @Test
  void noticesThatTheServerStoresOtherBytes() throws IOException {
    Path file = file(1000);
    Digest name = Digest.ofFile(file);
    server.restart(
        memory ->
            new ForwardingBlobStore(memory) {
              @Override
              public String putBlob(String bucket, Blob blob, PutOptions options) {
                return super.putBlob(bucket, changed(blob), options);
              }
            });
    try (S3Blobs store = server.store().build()) {
      assertThatThrownBy(() -> store.put(name, file))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("accepted 1000 bytes with digest " + name)
          .hasMessageContaining("holds something else");
      assertThat(store.has(name)).isFalse();
      assertThat(store.list()).isEmpty();
    }
    try (S3Blobs trusting = server.store().trustServer().build()) {
      trusting.put(name, file);
      trusting.get(name, temp.resolve("back"));
      assertThat(Digest.ofFile(temp.resolve("back"))).isNotEqualTo(name);
    }
  }

  private static Blob changed(Blob blob) {
    try {
      byte[] bytes = blob.getPayload().openStream().readAllBytes();
      bytes[bytes.length / 2] ^= 1;
      Payload payload = Payloads.newByteArrayPayload(bytes);
      payload.getContentMetadata().setContentLength((long) bytes.length);
      blob.setPayload(payload);
      return blob;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void noticesThatTheServerStoresLess() throws IOException {
    Path file = file(1000);
    server.restart(
        memory ->
            new ForwardingBlobStore(memory) {
              @Override
              public String putBlob(String bucket, Blob blob, PutOptions options) {
                Payload half = Payloads.newByteArrayPayload(new byte[500]);
                half.getContentMetadata().setContentLength(500L);
                blob.setPayload(half);
                return super.putBlob(bucket, blob, options);
              }
            });
    try (S3Blobs store = server.store().trustServer().build()) {
      assertThatThrownBy(() -> store.put(Digest.ofFile(file), file))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("holds something else");
    }
  }

  @Test
  void asksAgainWhenTheServerFails() throws IOException {
    Path file = file(1000);
    Digest name = Digest.ofFile(file);
    AtomicInteger failures = new AtomicInteger(2);
    server.restart(
        memory ->
            new ForwardingBlobStore(memory) {
              @Override
              public String putBlob(String bucket, Blob blob, PutOptions options) {
                if (failures.getAndDecrement() > 0) {
                  throw failure();
                }
                return super.putBlob(bucket, blob, options);
              }
            });
    try (S3Blobs store = server.store().attempts(3).build()) {
      store.put(name, file);
      assertThat(store.has(name)).isTrue();
    }
    assertThat(failures).hasValue(-1);
  }

  @Test
  void saysWhenNobodyCanTell() throws IOException {
    Path file = file(1000);
    try (S3Blobs store = server.store().attempts(1).build()) {
      server.stop();
      assertThatThrownBy(() -> store.put(Digest.ofFile(file), file))
          .isInstanceOf(OutcomeUnknownException.class)
          .hasMessageContaining("storing it again is safe");
      assertThatThrownBy(() -> store.delete(Digest.ofFile(file)))
          .isInstanceOf(OutcomeUnknownException.class);
      assertThatThrownBy(store::list)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("Check endpoint, credentials and network");
    }
  }

  @Test
  void saysThatItWasRefusedAndKeepsTheSecret() throws IOException {
    Path file = file(10);
    try (S3Blobs store =
        server.store().credentials(S3Server.ACCESS_KEY, Secret.of("a wrong secret")).build()) {
      assertThatThrownBy(() -> store.put(Digest.ofFile(file), file))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("403")
          .hasMessageContaining("Check the credentials")
          .satisfies(e -> assertThat(trace(e)).doesNotContain("a wrong secret"));
    }
  }

  private static String trace(Throwable failure) {
    StringWriter text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  @Test
  void saysThatThereIsNoBucket() {
    try (S3Blobs store =
        S3Blobs.in("absent")
            .endpoint(server.address())
            .credentials(S3Server.ACCESS_KEY, S3Server.SECRET_KEY)
            .build()) {
      assertThatThrownBy(store::list)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("s3://absent/")
          .hasMessageContaining("Create the bucket, or name another");
    }
  }

  @Test
  void refusesSettingsThatMakeNoSense() {
    S3Blobs.Builder builder = S3Blobs.in("models");
    assertThatThrownBy(() -> S3Blobs.in(" ")).hasMessageContaining("bucket must not be blank");
    assertThatThrownBy(() -> builder.parts(MEBI)).hasMessageContaining("from 5 MiB to 5 GiB");
    assertThatThrownBy(() -> builder.attempts(0)).hasMessageContaining("at least 1");
    assertThatThrownBy(() -> builder.silence(Duration.ZERO)).hasMessageContaining("positive");
    assertThatThrownBy(() -> builder.endpoint(URI.create("http://key:secret@localhost/")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("secret@");
  }
}
