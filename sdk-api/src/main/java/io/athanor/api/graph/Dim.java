package io.athanor.api.graph;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One size of a shape: fixed, or a symbol bound at run time plus a constant.
 *
 * @param symbol the symbol, an identifier, or null for a fixed size
 * @param offset the fixed size, or what is added to the symbol's value
 */
public record Dim(@Nullable String symbol, long offset) {
  /** The number of rows in a batch. */
  public static final Dim BATCH = symbol("batch");

  /** The number of positions in a padded sequence. */
  public static final Dim SEQUENCE = symbol("sequence");

  public Dim {
    if (symbol == null ? offset < 1 : offset < 0) {
      throw new IllegalArgumentException("A size must be at least 1, got " + offset);
    }
    if (symbol != null && !symbol.matches("[A-Za-z_][A-Za-z0-9_]*")) {
      throw new IllegalArgumentException("symbol must be an identifier, got '" + symbol + "'");
    }
  }

  public static Dim of(long size) {
    return new Dim(null, size);
  }

  public static Dim symbol(String name) {
    return new Dim(name, 0);
  }

  public boolean fixed() {
    return symbol == null;
  }

  /** This size plus a constant. */
  public Dim plus(long more) {
    return new Dim(symbol, Math.addExact(offset, more));
  }

  /**
   * The size when symbols have these values.
   *
   * @throws IllegalArgumentException if the symbol has no value
   */
  public long resolve(Map<String, Long> sizes) {
    if (symbol == null) {
      return offset;
    }
    Long value = sizes.get(symbol);
    if (value == null) {
      throw new IllegalArgumentException("sizes must hold '" + symbol + "', got " + sizes);
    }
    return Math.addExact(value, offset);
  }

  @Override
  public String toString() {
    if (symbol == null) {
      return Long.toString(offset);
    }
    return offset == 0 ? symbol : symbol + "+" + offset;
  }
}
