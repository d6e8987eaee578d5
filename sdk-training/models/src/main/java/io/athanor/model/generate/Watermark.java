package io.athanor.model.generate;

import io.athanor.api.common.Secret;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A mark in generated text that nobody reads and that whoever has the key can find: the two tokens
 * before each new one choose, through the key, which tokens of the vocabulary are <em>green</em>,
 * and green tokens are made a little likelier (Kirchenbauer et al. 2023, "A Watermark for Large
 * Language Models", soft red list). {@link WatermarkDetector} counts them.
 *
 * <p>The mark is weak in short texts and where only one token is likely, and whoever rewords a text
 * removes it. Immutable and thread-safe.
 */
public final class Watermark {
  /** Tokens that choose the green ones. */
  static final int WIDTH = 2;

  private static final int SHORTEST_KEY = 16;
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final SecretKeySpec key;
  private final double greenShare;
  private final double strength;

  private Watermark(SecretKeySpec key, double greenShare, double strength) {
    this.key = key;
    this.greenShare = greenShare;
    this.strength = strength;
  }

  /**
   * A mark with a quarter of the tokens green, and 2 added to their logits.
   *
   * @param key at least 16 bytes in UTF-8; who knows it can find the mark, and forge it
   * @throws IllegalArgumentException if the key is shorter
   */
  public static Watermark keyed(Secret key) {
    byte[] bytes = key.reveal().getBytes(StandardCharsets.UTF_8);
    if (bytes.length < SHORTEST_KEY) {
      throw new IllegalArgumentException(
          "key must have at least " + SHORTEST_KEY + " bytes, got " + bytes.length);
    }
    return new Watermark(new SecretKeySpec(bytes, "HmacSHA256"), 0.25, 2);
  }

  /** Which share of the vocabulary is green, in (0, 1). A detector needs the same. */
  public Watermark greenShare(double share) {
    if (!(share > 0 && share < 1)) {
      throw new IllegalArgumentException("greenShare must be in (0, 1), got " + share);
    }
    return new Watermark(key, share, strength);
  }

  /**
   * What is added to the logits of green tokens, above 0: more is easier to find, and reads worse.
   */
  public Watermark strength(double added) {
    if (!(added > 0 && Double.isFinite(added))) {
      throw new IllegalArgumentException("strength must be above 0, got " + added);
    }
    return new Watermark(key, greenShare, added);
  }

  double greenShare() {
    return greenShare;
  }

  /** Makes the tokens likelier that are green after two others. */
  void raise(double[] scores, int beforeLast, int last) {
    Greens greens = after(beforeLast, last);
    for (int id = 0; id < scores.length; id++) {
      if (greens.contains(id)) {
        scores[id] += strength;
      }
    }
  }

  /** The tokens that are green after two others. */
  Greens after(int beforeLast, int last) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      mac.update(ByteBuffer.allocate(2 * Integer.BYTES).putInt(beforeLast).putInt(last).flip());
      return new Greens(ByteBuffer.wrap(mac.doFinal()).getLong(), greenShare);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has HmacSHA256", e);
    }
  }

  /**
   * Some tokens, each in or out on its own.
   *
   * @param seed decides which
   * @param share of all tokens
   */
  record Greens(long seed, double share) {
    /** Mixes as SplitMix64 does (Steele et al. 2014). */
    boolean contains(int token) {
      long z = seed + (token + 1L) * GOLDEN;
      z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      return ((z ^ (z >>> 31)) >>> 11) * 0x1p-53 < share;
    }
  }
}
