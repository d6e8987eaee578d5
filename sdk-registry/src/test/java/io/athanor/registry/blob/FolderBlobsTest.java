package io.athanor.registry.blob;

import io.athanor.api.registry.BlobStore;
import io.athanor.tck.BlobStoreContract;

class FolderBlobsTest extends BlobStoreContract {
  @Override
  protected BlobStore open() {
    return new FolderBlobs(temp.resolve("store"));
  }
}
