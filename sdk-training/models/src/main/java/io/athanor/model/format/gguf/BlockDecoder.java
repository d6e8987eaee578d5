package io.athanor.model.format.gguf;

import io.athanor.model.format.FloatConversion;

/** Turns one block of a quantised row into numbers. */
@FunctionalInterface
interface BlockDecoder {
  /**
   * @param in holds the block from {@code at} on
   * @param out takes the numbers from {@code to} on
   */
  void decode(byte[] in, int at, float[] out, int to);

  static BlockDecoder of(TensorType type) {
    return switch (type) {
      case Q4_0 -> SmallBlocks::q40;
      case Q4_1 -> SmallBlocks::q41;
      case Q5_0 -> SmallBlocks::q50;
      case Q5_1 -> SmallBlocks::q51;
      case Q8_0 -> SmallBlocks::q80;
      case Q4_K -> SuperBlocks::q4k;
      case Q5_K -> SuperBlocks::q5k;
      case Q6_K -> SuperBlocks::q6k;
      default -> throw new IllegalArgumentException("type must be quantised, got " + type);
    };
  }

  static float half(byte[] in, int at) {
    return FloatConversion.fromHalf((short) ((in[at] & 0xff) | (in[at + 1] << 8)));
  }
}
