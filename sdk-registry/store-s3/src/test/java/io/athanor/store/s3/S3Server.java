package io.athanor.store.s3;

import com.google.common.collect.ImmutableSet;
import io.athanor.api.common.Secret;
import java.net.URI;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.gaul.s3proxy.AuthenticationType;
import org.gaul.s3proxy.S3Proxy;
import org.jclouds.ContextBuilder;
import org.jclouds.blobstore.BlobStore;
import org.jclouds.blobstore.BlobStoreContext;
import org.jclouds.blobstore.TransientApiMetadata;
import org.jclouds.logging.slf4j.config.SLF4JLoggingModule;

/** An S3 server inside the test, which keeps its objects when it is stopped and started again. */
final class S3Server implements AutoCloseable {
  static final String BUCKET = "models";
  static final String ACCESS_KEY = "test-access-key";
  static final Secret SECRET_KEY = Secret.of("test-secret-key");

  private final BlobStoreContext memory =
      ContextBuilder.newBuilder(new TransientApiMetadata())
          .credentials("identity", "credential")
          .modules(ImmutableSet.of(new SLF4JLoggingModule()))
          .build(BlobStoreContext.class);
  private S3Proxy proxy;

  S3Server() {
    memory.getBlobStore().createContainerInLocation(null, BUCKET);
    start(store -> store);
  }

  /** What the server keeps, as it keeps it. */
  BlobStore memory() {
    return memory.getBlobStore();
  }

  /** Starts it anew, with something between it and its memory. */
  void restart(UnaryOperator<BlobStore> behaviour) {
    stop();
    start(behaviour);
  }

  private void start(UnaryOperator<BlobStore> behaviour) {
    proxy =
        S3Proxy.builder()
            .blobStore(behaviour.apply(memory.getBlobStore()))
            .endpoint(URI.create("http://127.0.0.1:0"))
            .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, ACCESS_KEY, SECRET_KEY.reveal())
            .ignoreUnknownHeaders(true)
            .build();
    try {
      proxy.start();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  void stop() {
    try {
      proxy.stop();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + proxy.getPort());
  }

  /** A store on it that soon gives up. */
  S3Blobs.Builder store() {
    return S3Blobs.in(BUCKET)
        .endpoint(address())
        .credentials(ACCESS_KEY, SECRET_KEY)
        .prefix("registry/")
        .attempts(2)
        .silence(Duration.ofSeconds(20));
  }

  @Override
  public void close() {
    stop();
    memory.close();
  }
}
