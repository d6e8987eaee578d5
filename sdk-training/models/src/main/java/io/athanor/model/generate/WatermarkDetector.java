package io.athanor.model.generate;

import io.athanor.api.data.Tokenizer;
import io.athanor.model.generate.Watermark.Greens;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Tells whether a text carries a {@link Watermark}. It needs the key and the tokenizer, but neither
 * the model nor the prompt. Immutable and thread-safe.
 */
public final class WatermarkDetector {
  private final Watermark watermark;
  private final Tokenizer tokenizer;

  private WatermarkDetector(Watermark watermark, Tokenizer tokenizer) {
    this.watermark = watermark;
    this.tokenizer = tokenizer;
  }

  /**
   * A detector.
   *
   * @param tokenizer of the model that may have written the texts
   */
  public static WatermarkDetector of(Watermark watermark, Tokenizer tokenizer) {
    return new WatermarkDetector(watermark, tokenizer);
  }

  /**
   * What was found in a text.
   *
   * @param scored tokens that could tell something; below about 50 little can be said
   * @param green how many of them are green
   * @param pValue how probable so many green tokens or more are in a text without the mark, in [0,
   *     1]
   */
  public record Detection(int scored, int green, double pValue) {
    /**
     * Whether the text carries the mark.
     *
     * @param falsePositives which share of texts without the mark may be taken for marked, in (0,
     *     1); for example 0.00001
     */
    public boolean marked(double falsePositives) {
      if (!(falsePositives > 0 && falsePositives < 1)) {
        throw new IllegalArgumentException(
            "falsePositives must be in (0, 1), got " + falsePositives);
      }
      return pValue <= falsePositives;
    }
  }

  /**
   * Counts the green tokens of a text. What occurs again after the same two tokens is counted once,
   * since repetition is no evidence (Fernandez et al. 2023, "Three Bricks to Consolidate Watermarks
   * for Large Language Models").
   */
  public Detection detect(String text) {
    int[] ids = tokenizer.tokenize(text).stream().mapToInt(Tokenizer.Token::id).toArray();
    Set<List<Integer>> seen = new HashSet<>();
    int green = 0;
    for (int i = Watermark.WIDTH; i < ids.length; i++) {
      if (seen.add(List.of(ids[i - 2], ids[i - 1], ids[i]))) {
        Greens greens = watermark.after(ids[i - 2], ids[i - 1]);
        green += greens.contains(ids[i]) ? 1 : 0;
      }
    }
    return new Detection(seen.size(), green, atLeast(green, seen.size(), watermark.greenShare()));
  }

  /** The probability of {@code successes} or more in so many independent trials. */
  static double atLeast(int successes, int trials, double chance) {
    double odds = Math.log(chance) - Math.log1p(-chance);
    double term = trials * Math.log1p(-chance);
    double sum = 0;
    for (int k = 0; k <= trials; k++) {
      if (k >= successes) {
        sum += Math.exp(term);
      }
      term += Math.log(trials - k) - Math.log(k + 1.0) + odds;
    }
    return Math.min(1, sum);
  }
}
