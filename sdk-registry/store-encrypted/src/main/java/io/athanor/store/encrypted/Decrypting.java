package io.athanor.store.encrypted;

import io.athanor.api.error.FormatException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Tells damaged contents from disks that fail, which are both an IOException to Tink. */
final class Decrypting extends FilterInputStream {
  private final String place;

  Decrypting(InputStream in, String place) {
    super(in);
    this.place = place;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) {
    try {
      return super.read(target, offset, length);
    } catch (IOException e) {
      throw new FormatException(
          place,
          "cannot be decrypted: it was changed or cut, stored under another name, or its key is"
              + " not the keyring's. Restore it from a copy or register the model again",
          e);
    }
  }
}
