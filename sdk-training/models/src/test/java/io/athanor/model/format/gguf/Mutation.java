package io.athanor.model.format.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;

/** Damages a file as disks, networks and attackers do. */
public final class Mutation {
  private static final long[] LIES = {
    -1, 0, 1, 255, 65_536, Integer.MAX_VALUE, 1L << 31, 1L << 32, 1L << 40, Long.MAX_VALUE
  };

  private Mutation() {}

  /** A damaged copy; most damage is at the front, where the header is. */
  public static byte[] mutate(byte[] original, Random random) {
    byte[] bytes = original.clone();
    int reach = random.nextBoolean() ? Math.min(bytes.length, 2048) : bytes.length;
    for (int n = 1 + random.nextInt(3); n > 0; n--) {
      int at = random.nextInt(reach);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> {
          if (at + 8 <= bytes.length) {
            ByteBuffer.wrap(bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(at, LIES[random.nextInt(LIES.length)]);
          }
        }
        case 3 -> {
          int length = Math.min(random.nextInt(64), bytes.length - at);
          System.arraycopy(bytes, random.nextInt(bytes.length - length + 1), bytes, at, length);
        }
        default -> {
          if (random.nextInt(4) == 0) {
            return Arrays.copyOf(bytes, random.nextInt(bytes.length));
          }
        }
      }
    }
    return bytes;
  }
}
