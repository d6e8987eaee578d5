package io.athanor.store.s3;

import io.athanor.api.registry.BlobStore;
import io.athanor.tck.BlobStoreContract;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

class S3BlobsTest extends BlobStoreContract {
  private static S3Server server;

  @BeforeAll
  static void start() {
    server = new S3Server();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void empty() {
    server.memory().clearContainer(S3Server.BUCKET);
  }

  @Override
  protected BlobStore open() {
    return server.store().build();
  }
}
