package io.athanor.server.http;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/** Ids of 32 hexadecimal digits, so that those of several servers differ. Thread-safe. */
public final class RandomId {
  private static final SecureRandom SECURE = new SecureRandom();

  private RandomId() {}

  /** One that others may guess; takes next to no time. */
  public static String quick() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextLong());
  }

  /** One that only those know who were told. */
  public static String unguessable() {
    byte[] bytes = new byte[16];
    SECURE.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
