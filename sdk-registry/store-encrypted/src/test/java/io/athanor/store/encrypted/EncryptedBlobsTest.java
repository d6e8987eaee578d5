package io.athanor.store.encrypted;

import io.athanor.api.registry.BlobStore;
import io.athanor.registry.blob.FolderBlobs;
import io.athanor.tck.BlobStoreContract;
import java.nio.file.Files;
import java.nio.file.Path;

class EncryptedBlobsTest extends BlobStoreContract {
  @Override
  protected BlobStore open() {
    Path file = temp.resolve("keys.json");
    Keyring keyring = Files.exists(file) ? Keyring.open(file) : Keyring.create(file);
    return EncryptedBlobs.over(new FolderBlobs(temp.resolve("store")), keyring, temp);
  }
}
