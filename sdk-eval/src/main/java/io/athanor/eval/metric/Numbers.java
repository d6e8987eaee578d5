package io.athanor.eval.metric;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers for people, the same in every locale. */
public final class Numbers {
  private Numbers() {}

  /**
   * Four digits after the point below 10, fewer above: {@code 0.9531}, {@code 12.4}, {@code 1830}.
   */
  public static String brief(double value) {
    double size = Math.abs(value);
    if (size != 0 && size < 0.00005) {
      return String.format(Locale.ROOT, "%.1e", value);
    }
    String format = size < 10 ? "%.4f" : size < 100 ? "%.2f" : size < 1000 ? "%.1f" : "%.0f";
    return String.format(Locale.ROOT, format, value);
  }

  /** As short as it can be: {@code 0.95}, {@code 20}. */
  public static String plain(double value) {
    return new BigDecimal(Double.toString(value))
        .round(MathContext.DECIMAL64)
        .stripTrailingZeros()
        .toPlainString();
  }

  /** A share as per cent: {@code 95 %}. */
  public static String percent(double share) {
    return plain(Math.round(share * 10_000) / 100.0) + " %";
  }

  /** A probability, with small ones as such: {@code = 0.031}, {@code < 0.001}. */
  public static String probability(double p) {
    return p < 0.001 ? "< 0.001" : String.format(Locale.ROOT, "= %.3f", p);
  }
}
