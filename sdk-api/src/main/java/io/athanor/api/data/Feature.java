package io.athanor.api.data;

/** A tensor input as an architecture sees it. */
public sealed interface Feature {
  /** The name of the graph's input. */
  String name();

  /**
   * Numbers and categories side by side: {@code F32 [batch, width]}.
   *
   * @param name the graph's input
   * @param width at least 1
   */
  record Vector(String name, int width) implements Feature {}

  /**
   * Token ids padded at the end: {@code I64 [batch, sequence]}, with a mask {@code F32 [batch,
   * sequence]} that is 1 for real tokens.
   *
   * @param name the graph's input of ids
   * @param vocabularySize ids are in [0, vocabularySize)
   * @param maximumLength most tokens a sequence has
   */
  record Tokens(String name, int vocabularySize, int maximumLength) implements Feature {
    /** The name of the graph's mask input. */
    public String mask() {
      return maskOf(name);
    }

    static String maskOf(String name) {
      return name + ".mask";
    }
  }

  /**
   * Pictures: {@code F32 [batch, channels, height, width]}.
   *
   * @param name the graph's input
   * @param channels 1 or 3
   * @param height in pixels
   * @param width in pixels
   */
  record Image(String name, int channels, int height, int width) implements Feature {}
}
