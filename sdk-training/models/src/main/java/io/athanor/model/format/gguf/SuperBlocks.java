package io.athanor.model.format.gguf;

/**
 * Blocks of 256 numbers made of smaller ones, whose scales are themselves quantised: 8 blocks of 32
 * with six-bit scales and minima (Q4_K, Q5_K), 16 blocks of 16 with eight-bit scales (Q6_K).
 */
final class SuperBlocks {
  private SuperBlocks() {}

  static void q4k(byte[] in, int at, float[] out, int to) {
    float scale = BlockDecoder.half(in, at);
    float minimum = BlockDecoder.half(in, at + 2);
    int packed = at + 4;
    for (int block = 0; block < 8; block++) {
      float d = scale * scale(in, packed, block);
      float m = minimum * minimum(in, packed, block);
      int from = at + 16 + block / 2 * 32;
      int shift = block % 2 * 4;
      for (int i = 0; i < 32; i++) {
        out[to + block * 32 + i] = d * ((in[from + i] >> shift) & 15) - m;
      }
    }
  }

  static void q5k(byte[] in, int at, float[] out, int to) {
    float scale = BlockDecoder.half(in, at);
    float minimum = BlockDecoder.half(in, at + 2);
    int packed = at + 4;
    int high = at + 16;
    for (int block = 0; block < 8; block++) {
      float d = scale * scale(in, packed, block);
      float m = minimum * minimum(in, packed, block);
      int from = at + 48 + block / 2 * 32;
      int shift = block % 2 * 4;
      for (int i = 0; i < 32; i++) {
        int quant = ((in[from + i] >> shift) & 15) | (((in[high + i] >> block) & 1) << 4);
        out[to + block * 32 + i] = d * quant - m;
      }
    }
  }

  static void q6k(byte[] in, int at, float[] out, int to) {
    float scale = BlockDecoder.half(in, at + 208);
    for (int part = 0; part < 8; part++) {
      int low = at + part / 4 * 64 + part % 2 * 32;
      int lowShift = part % 4 / 2 * 4;
      int high = at + 128 + part / 4 * 32;
      int highShift = part % 4 * 2;
      for (int i = 0; i < 32; i++) {
        float d = scale * in[at + 192 + part * 2 + i / 16];
        int quant = ((in[low + i] >> lowShift) & 15) | (((in[high + i] >> highShift) & 3) << 4);
        out[to + part * 32 + i] = d * (quant - 32);
      }
    }
  }

  /** Six bits: the first four blocks' in the low bits of bytes 0 to 3, the others' in two parts. */
  private static int scale(byte[] in, int packed, int block) {
    return block < 4
        ? in[packed + block] & 63
        : (in[packed + 4 + block] & 15) | (((in[packed + block - 4] >> 6) & 3) << 4);
  }

  private static int minimum(byte[] in, int packed, int block) {
    return block < 4
        ? in[packed + 4 + block] & 63
        : ((in[packed + 4 + block] >> 4) & 15) | (((in[packed + block] >> 6) & 3) << 4);
  }
}
