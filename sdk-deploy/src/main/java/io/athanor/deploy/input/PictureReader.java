package io.athanor.deploy.input;

import io.athanor.api.data.Pixels;
import io.athanor.api.error.FormatException;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Decodes PNG and JPEG files; the size in the header is checked before memory is taken. */
final class PictureReader {
  private static final long MAXIMUM_PIXELS = 16_000_000;

  private PictureReader() {}

  /**
   * @param channels 1 for grey, 3 for red, green, blue; a picture of the other kind is converted
   */
  static Pixels read(String column, byte[] file, int channels) {
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw fail(column, "expected a PNG or JPEG, got other bytes");
      }
      ImageReader reader = readers.next();
      try {
        String format = reader.getFormatName().toLowerCase(Locale.ROOT);
        if (!format.equals("png") && !format.equals("jpeg")) {
          throw fail(column, "expected a PNG or JPEG, got " + format);
        }
        reader.setInput(in, true, true);
        long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
        if (pixels > MAXIMUM_PIXELS) {
          throw fail(
              column,
              "expected at most " + MAXIMUM_PIXELS + " pixels, got " + pixels + "; scale it down");
        }
        return pixels(reader.read(0), channels);
      } finally {
        reader.dispose();
      }
    } catch (IOException
        | IllegalArgumentException
        | IllegalStateException
        | IndexOutOfBoundsException
        | NegativeArraySizeException
        | NullPointerException
        | ClassCastException
        | ArithmeticException e) {
      // The decoders of the platform answer damaged files with any of these.
      throw fail(column, "a damaged or truncated picture (" + e + ")");
    }
  }

  private static Pixels pixels(BufferedImage image, int channels) {
    boolean greySource = image.getColorModel().getNumColorComponents() == 1;
    int count = image.getWidth() * image.getHeight();
    byte[] bytes = new byte[count * channels];
    for (int i = 0; i < count; i++) {
      int x = i % image.getWidth();
      int y = i / image.getWidth();
      int rgb = greySource ? 0x010101 * grey(image.getRaster(), x, y) : image.getRGB(x, y);
      if (channels == 1) {
        bytes[i] = (byte) (greySource ? rgb : luma(rgb));
      } else {
        bytes[3 * i] = (byte) (rgb >> 16);
        bytes[3 * i + 1] = (byte) (rgb >> 8);
        bytes[3 * i + 2] = (byte) rgb;
      }
    }
    return Pixels.of(image.getWidth(), image.getHeight(), channels, bytes);
  }

  /** The stored value; {@code getRGB} would bend it by another colour space's gamma. */
  private static int grey(Raster raster, int x, int y) {
    int bits = raster.getSampleModel().getSampleSize(0);
    return raster.getSample(x, y, 0) * 255 / ((1 << bits) - 1);
  }

  /** ITU-R BT.601, as in training. */
  private static int luma(int rgb) {
    return (299 * (rgb >> 16 & 0xFF) + 587 * (rgb >> 8 & 0xFF) + 114 * (rgb & 0xFF) + 500) / 1000;
  }

  private static FormatException fail(String column, String problem) {
    return new FormatException(RowReader.SOURCE, 0, column, problem);
  }
}
