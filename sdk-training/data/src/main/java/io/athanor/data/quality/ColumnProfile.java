package io.athanor.data.quality;

import java.util.Locale;
import java.util.Map;

/** What one column holds. */
public sealed interface ColumnProfile {
  /** The column. */
  String name();

  /** How many rows have no cell here. */
  long missing();

  /**
   * A number column; all four are NaN if every cell is missing.
   *
   * @param deviation of the population
   */
  record Numbers(
      String name, long missing, double minimum, double mean, double maximum, double deviation)
      implements ColumnProfile {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "numbers from %.6g to %.6g, mean %.6g, deviation %.6g",
          minimum,
          maximum,
          mean,
          deviation);
    }
  }

  /**
   * A category or label column.
   *
   * @param counts rows of each category, most frequent first; the thousand most frequent
   * @param distinct how many categories there are
   */
  record Categories(String name, long missing, Map<String, Long> counts, int distinct)
      implements ColumnProfile {
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder().append(distinct).append(" categories");
      counts.entrySet().stream()
          .limit(10)
          .forEach(e -> text.append(", ").append(e.getKey()).append(' ').append(e.getValue()));
      return text.append(distinct > 10 ? ", ..." : "").toString();
    }
  }

  /** A text column; lengths in characters, 0 if every cell is missing. */
  record Texts(String name, long missing, int shortest, double meanLength, int longest)
      implements ColumnProfile {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "texts of %d to %d characters, mean %.1f", shortest, longest, meanLength);
    }
  }

  /** An image column; all pictures have this size. */
  record Images(String name, long missing, int width, int height, int channels)
      implements ColumnProfile {
    @Override
    public String toString() {
      return "pictures of " + width + " x " + height + " x " + channels;
    }
  }
}
