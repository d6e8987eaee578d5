package io.athanor.deploy.input;

import io.athanor.api.data.Pixels;
import io.athanor.api.error.FormatException;
import java.awt.image.BufferedImage;
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
    } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
      // The decoders of the platform answer damaged files with any of these.
      throw fail(column, "a damaged or truncated picture (" + e.getMessage() + ")");
    }
  }

  private static Pixels pixels(BufferedImage image, int channels) {
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] bytes = new byte[width * height * channels];
    if (channels == 1
        && image.getRaster().getNumBands() == 1
        && image.getSampleModel().getSampleSize(0) == 8
        && image.getColorModel().getNumComponents() == 1) {
      int[] samples = image.getRaster().getSamples(0, 0, width, height, 0, (int[]) null);
      for (int i = 0; i < samples.length; i++) {
        bytes[i] = (byte) samples[i];
      }
      return Pixels.of(width, height, 1, bytes);
    }
    int[] colours = image.getRGB(0, 0, width, height, null, 0, width);
    for (int i = 0; i < colours.length; i++) {
      int red = colours[i] >> 16 & 0xFF;
      int green = colours[i] >> 8 & 0xFF;
      int blue = colours[i] & 0xFF;
      if (channels == 1) {
        bytes[i] = (byte) Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
      } else {
        bytes[3 * i] = (byte) red;
        bytes[3 * i + 1] = (byte) green;
        bytes[3 * i + 2] = (byte) blue;
      }
    }
    return Pixels.of(width, height, channels, bytes);
  }

  private static FormatException fail(String column, String problem) {
    return new FormatException(RowReader.SOURCE, 0, column, problem);
  }
}
