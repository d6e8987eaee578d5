package io.athanor.api.data;

import java.util.Locale;

/**
 * Something that can be watched while a model serves: an aspect of a column.
 *
 * @param column of the rows, or the one that is predicted
 * @param aspect what of it
 */
public record Trait(String column, Aspect aspect) {
  /** What of a column is watched. */
  public enum Aspect {
    /** The number or the category in a cell. */
    VALUE,
    /** Whether there is a cell: {@code present} or {@code missing}. */
    PRESENCE,
    /** The characters of a text. */
    LENGTH,
    /** The share of a text's tokens that the vocabulary does not know, in [0, 1]. */
    UNKNOWN_TOKENS,
    /** Tokens for each character of a text: it grows where the vocabulary fits badly. */
    TOKENS_PER_CHARACTER,
    /** The mean of a picture's values, in [0, 1]. */
    BRIGHTNESS,
    /** The deviation of a picture's values, in [0, 0.5]. */
    CONTRAST,
    /** The label or the number that the model gave. */
    PREDICTION,
    /** The probability of the label that the model gave. */
    CONFIDENCE,
    /** A vector that stands for the row. */
    EMBEDDING
  }

  public Trait {
    if (column.isBlank()) {
      throw new IllegalArgumentException("column must not be blank");
    }
  }

  /** For example {@code "body, unknown tokens"}. */
  @Override
  public String toString() {
    return column + ", " + aspect.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
