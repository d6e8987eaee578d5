package io.athanor.model.format.gguf;

/**
 * Blocks of 32 numbers with one scale, and for the types that end in 1 also one minimum. The low
 * four bits of 16 bytes are the first 16 numbers, the high four bits the other 16; a fifth bit of
 * each number lies in a word of its own.
 */
final class SmallBlocks {
  private SmallBlocks() {}

  static void q40(byte[] in, int at, float[] out, int to) {
    float scale = BlockDecoder.half(in, at);
    for (int i = 0; i < 16; i++) {
      int pair = in[at + 2 + i];
      out[to + i] = scale * ((pair & 15) - 8);
      out[to + 16 + i] = scale * (((pair >> 4) & 15) - 8);
    }
  }

  static void q41(byte[] in, int at, float[] out, int to) {
    float scale = BlockDecoder.half(in, at);
    float minimum = BlockDecoder.half(in, at + 2);
    for (int i = 0; i < 16; i++) {
      int pair = in[at + 4 + i];
      out[to + i] = scale * (pair & 15) + minimum;
      out[to + 16 + i] = scale * ((pair >> 4) & 15) + minimum;
    }
  }

  static void q50(byte[] in, int at, float[] out, int to) {
    float scale = BlockDecoder.half(in, at);
    int high = word(in, at + 2);
    for (int i = 0; i < 16; i++) {
      int pair = in[at + 6 + i];
      out[to + i] = scale * (((pair & 15) | (((high >>> i) & 1) << 4)) - 16);
      out[to + 16 + i] = scale * ((((pair >> 4) & 15) | (((high >>> (16 + i)) & 1) << 4)) - 16);
    }
  }

  static void q51(byte[] in, int at, float[] out, int to) {
    float scale = BlockDecoder.half(in, at);
    float minimum = BlockDecoder.half(in, at + 2);
    int high = word(in, at + 4);
    for (int i = 0; i < 16; i++) {
      int pair = in[at + 8 + i];
      out[to + i] = scale * ((pair & 15) | (((high >>> i) & 1) << 4)) + minimum;
      out[to + 16 + i] = scale * (((pair >> 4) & 15) | (((high >>> (16 + i)) & 1) << 4)) + minimum;
    }
  }

  static void q80(byte[] in, int at, float[] out, int to) {
    float scale = BlockDecoder.half(in, at);
    for (int i = 0; i < 32; i++) {
      out[to + i] = in[at + 2 + i] * scale;
    }
  }

  private static int word(byte[] in, int at) {
    return (in[at] & 0xff)
        | ((in[at + 1] & 0xff) << 8)
        | ((in[at + 2] & 0xff) << 16)
        | (in[at + 3] << 24);
  }
}
