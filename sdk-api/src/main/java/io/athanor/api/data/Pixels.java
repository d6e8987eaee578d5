package io.athanor.api.data;

import java.util.Arrays;

/** A picture: bytes row by row, the channels of a pixel side by side. Immutable. */
public final class Pixels {
  private final int width;
  private final int height;
  private final int channels;
  private final byte[] bytes;

  private Pixels(int width, int height, int channels, byte[] bytes) {
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.bytes = bytes;
  }

  /**
   * Copies a picture.
   *
   * @param channels 1 for grey, 3 for red, green, blue
   * @param bytes {@code height * width * channels} values, 0 to 255 unsigned
   */
  public static Pixels of(int width, int height, int channels, byte[] bytes) {
    if (width < 1 || height < 1 || (channels != 1 && channels != 3)) {
      throw new IllegalArgumentException(
          "a picture needs a positive width and height and 1 or 3 channels, got "
              + width
              + " x "
              + height
              + " x "
              + channels);
    }
    if (bytes.length != Math.multiplyExact(Math.multiplyExact(width, height), channels)) {
      throw new IllegalArgumentException(
          "bytes must be " + (long) width * height * channels + ", got " + bytes.length);
    }
    return new Pixels(width, height, channels, bytes.clone());
  }

  public int width() {
    return width;
  }

  public int height() {
    return height;
  }

  public int channels() {
    return channels;
  }

  /** One value, 0 to 255. */
  public int at(int x, int y, int channel) {
    return bytes[(y * width + x) * channels + channel] & 0xFF;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Pixels that
        && width == that.width
        && channels == that.channels
        && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return width + " x " + height + " x " + channels + " pixels";
  }
}
