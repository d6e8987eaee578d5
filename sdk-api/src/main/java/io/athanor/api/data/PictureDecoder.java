package io.athanor.api.data;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;
import java.util.Set;
import javax.imageio.IIOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Bytes of a picture file to pixels, in training and in serving alike: PNG, JPEG, BMP and GIF
 * (first frame). The size that the header claims is checked before memory is taken; transparency is
 * ignored. Immutable and thread-safe.
 *
 * @param width to resize to, or 0 for the picture's own
 * @param height to resize to, or 0 for the picture's own
 * @param channels 1 or 3, or 0 for the picture's own
 * @param maximumPixels more are refused before decoding
 */
public record PictureDecoder(int width, int height, int channels, int maximumPixels) {
  /** Leaves pictures as they are, up to 16,777,216 pixels. */
  public static final PictureDecoder DEFAULT = new PictureDecoder(0, 0, 0, 1 << 24);

  private static final Set<String> FORMATS = Set.of("png", "jpeg", "bmp", "gif");

  public PictureDecoder {
    if (channels != 0 && channels != 1 && channels != 3) {
      throw new IllegalArgumentException("channels must be 0, 1 or 3, got " + channels);
    }
  }

  /** Brings every picture to this size by averaging the pixels that fall together. */
  public PictureDecoder resize(int newWidth, int newHeight) {
    if (newWidth < 1 || newHeight < 1 || (long) newWidth * newHeight > maximumPixels) {
      throw new IllegalArgumentException(
          "width and height must be at least 1 and make at most "
              + maximumPixels
              + " pixels, got "
              + newWidth
              + " x "
              + newHeight);
    }
    return new PictureDecoder(newWidth, newHeight, channels, maximumPixels);
  }

  /**
   * Gives every picture 1 channel (grey, ITU-R BT.601) or 3 (red, green, blue).
   *
   * @param newChannels 1 or 3, or 0 for the picture's own
   */
  public PictureDecoder channels(int newChannels) {
    return new PictureDecoder(width, height, newChannels, maximumPixels);
  }

  /** Refuses larger pictures before it decodes them. */
  public PictureDecoder maximumPixels(int pixels) {
    if (pixels < 1) {
      throw new IllegalArgumentException("pixels must be at least 1, got " + pixels);
    }
    return new PictureDecoder(width, height, channels, pixels);
  }

  /**
   * Decodes a picture.
   *
   * @throws IOException if it is none, broken or too large; the message is for people and leaves it
   *     to the caller to name the file
   */
  public Pixels decode(byte[] file) throws IOException {
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
      ImageReader reader = reader(in);
      try {
        reader.setInput(in, true, true);
        requireBounded(reader.getWidth(0), reader.getHeight(0));
        return resized(pixels(reader.read(0)));
      } catch (IIOException
          | EOFException
          | IndexOutOfBoundsException
          | IllegalArgumentException
          | IllegalStateException
          | NegativeArraySizeException
          | NullPointerException
          | ClassCastException
          | ArithmeticException e) {
        // What the JDK's decoders throw on some broken files, often without a message.
        throw new IOException("the picture is broken or cut off: " + e, e);
      } finally {
        reader.dispose();
      }
    }
  }

  private static ImageReader reader(ImageInputStream in) throws IOException {
    Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
    while (readers.hasNext()) {
      ImageReader reader = readers.next();
      if (FORMATS.contains(reader.getFormatName().toLowerCase(Locale.ROOT))) {
        return reader;
      }
      reader.dispose();
    }
    throw new IOException("expected a PNG, JPEG, BMP or GIF picture; the file is none of them");
  }

  private void requireBounded(int pictureWidth, int pictureHeight) throws IOException {
    if ((long) pictureWidth * pictureHeight > maximumPixels) {
      throw new IOException(
          "the picture claims "
              + pictureWidth
              + " x "
              + pictureHeight
              + " pixels, more than "
              + maximumPixels
              + ". Scale it down");
    }
  }

  private Pixels pixels(BufferedImage image) {
    boolean greySource = image.getColorModel().getNumColorComponents() == 1;
    int target = channels == 0 ? (greySource ? 1 : 3) : channels;
    int n = image.getWidth() * image.getHeight();
    byte[] bytes = new byte[n * target];
    for (int i = 0; i < n; i++) {
      int x = i % image.getWidth();
      int y = i / image.getWidth();
      int rgb = greySource ? 0x010101 * grey(image.getRaster(), x, y) : image.getRGB(x, y);
      if (target == 1) {
        bytes[i] = (byte) (greySource ? rgb : luma(rgb));
      } else {
        bytes[3 * i] = (byte) (rgb >> 16);
        bytes[3 * i + 1] = (byte) (rgb >> 8);
        bytes[3 * i + 2] = (byte) rgb;
      }
    }
    return Pixels.of(image.getWidth(), image.getHeight(), target, bytes);
  }

  /** The stored value; {@code getRGB} would bend it by another colour space's gamma. */
  private static int grey(Raster raster, int x, int y) {
    int bits = raster.getSampleModel().getSampleSize(0);
    return raster.getSample(x, y, 0) * 255 / ((1 << bits) - 1);
  }

  /** ITU-R BT.601. */
  private static int luma(int rgb) {
    return (299 * (rgb >> 16 & 0xFF) + 587 * (rgb >> 8 & 0xFF) + 114 * (rgb & 0xFF) + 500) / 1000;
  }

  private Pixels resized(Pixels source) {
    if (width == 0 || (source.width() == width && source.height() == height)) {
      return source;
    }
    byte[] bytes = new byte[width * height * source.channels()];
    int at = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < source.channels(); c++) {
          bytes[at++] = (byte) average(source, x, y, c);
        }
      }
    }
    return Pixels.of(width, height, source.channels(), bytes);
  }

  /** The mean over the part of the source that one new pixel covers, in whole source pixels. */
  private int average(Pixels source, int x, int y, int channel) {
    int left = (int) ((long) x * source.width() / width);
    int right = Math.max(left + 1, (int) ((x + 1L) * source.width() / width));
    int top = (int) ((long) y * source.height() / height);
    int bottom = Math.max(top + 1, (int) ((y + 1L) * source.height() / height));
    long sum = 0;
    for (int sy = top; sy < bottom; sy++) {
      for (int sx = left; sx < right; sx++) {
        sum += source.at(sx, sy, channel);
      }
    }
    long n = (long) (right - left) * (bottom - top);
    return (int) ((sum + n / 2) / n);
  }
}
