package io.athanor.deploy.rollout;

import io.athanor.api.common.Digest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Places requests in [0, 1), evenly. A key has the same place in every process and at all times, so
 * whoever is below a share stays below every larger one; another rollout places it anew.
 * Thread-safe.
 */
final class Shares {
  private static final double UNIT = 0x1.0p-53;
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final String salt;
  private final AtomicLong count;

  /**
   * @param salt names the rollout
   * @param seed of the places of requests without a key
   */
  Shares(String salt, long seed) {
    this.salt = salt;
    this.count = new AtomicLong(seed);
  }

  double of(String key) {
    MessageDigest digest = Digest.sha256();
    digest.update(salt.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
    digest.update(key.getBytes(StandardCharsets.UTF_8));
    return unit(ByteBuffer.wrap(digest.digest()).getLong());
  }

  /** Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): SplitMix64. */
  double next() {
    long z = count.addAndGet(GOLDEN);
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return unit(z ^ (z >>> 31));
  }

  private static double unit(long bits) {
    return (bits >>> 11) * UNIT;
  }
}
