package io.athanor.api.data;

import java.util.List;

/** How one feature column becomes numbers; fitted on training rows only. */
public sealed interface Encoder {
  /** The column it reads. */
  String column();

  /**
   * {@code (x - mean) / deviation}, one number of the vector; a missing cell counts as the mean.
   *
   * @param column a number column
   * @param mean of the training rows
   * @param deviation of the training rows, above 0
   */
  record Standardize(String column, double mean, double deviation) implements Encoder {
    public Standardize {
      if (!Double.isFinite(mean) || !(deviation > 0) || !Double.isFinite(deviation)) {
        throw new IllegalArgumentException(
            "mean must be finite and deviation above 0, got " + mean + " and " + deviation);
      }
    }
  }

  /**
   * One number of the vector for each category, 1 for the cell's own; a missing cell gives zeros.
   *
   * @param column a category column
   * @param categories those of the training rows
   * @param unknown what to do with another one
   */
  record OneHot(String column, List<String> categories, Unknown unknown) implements Encoder {
    /** What to do with a category that the training rows did not have. */
    public enum Unknown {
      /** Throw an error that lists the known ones. */
      REFUSE,
      /** Treat it like a missing cell. */
      IGNORE
    }

    public OneHot {
      categories = List.copyOf(categories);
      if (categories.isEmpty()) {
        throw new IllegalArgumentException("categories must not be empty");
      }
    }
  }

  /**
   * A sequence of token ids; a missing cell counts as the empty text.
   *
   * @param column a text column
   * @param maximumLength most tokens kept, at least 1
   */
  record Text(String column, int maximumLength) implements Encoder {
    public Text {
      if (maximumLength < 1) {
        throw new IllegalArgumentException("maximumLength must be at least 1");
      }
    }
  }

  /**
   * Channels first, each value {@code (x / 255 - mean) / deviation}. Every picture must have this
   * size.
   *
   * @param column an image column
   * @param channels 1 or 3
   * @param height in pixels
   * @param width in pixels
   * @param mean of the training pictures, on the scale 0 to 1
   * @param deviation of the training pictures, above 0
   */
  record Image(String column, int channels, int height, int width, double mean, double deviation)
      implements Encoder {
    public Image {
      if ((channels != 1 && channels != 3) || height < 1 || width < 1) {
        throw new IllegalArgumentException(
            "a picture needs 1 or 3 channels and a positive height and width, got "
                + channels
                + ", "
                + height
                + ", "
                + width);
      }
      if (!Double.isFinite(mean) || !(deviation > 0) || !Double.isFinite(deviation)) {
        throw new IllegalArgumentException(
            "mean must be finite and deviation above 0, got " + mean + " and " + deviation);
      }
    }
  }
}
