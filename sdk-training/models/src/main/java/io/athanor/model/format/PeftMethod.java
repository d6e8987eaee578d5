package io.athanor.model.format;

import io.athanor.api.error.UnsupportedException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How an adapter changes its model, with the settings that PEFT keeps. */
public sealed interface PeftMethod {

  /** PEFT's name of the method. */
  String peftType();

  /**
   * Low-rank adaptation: a linear module's output gains {@code scale * B(A(x))}.
   *
   * @param rank PEFT's {@code r}, at least 1
   * @param alpha numerator of the scale
   * @param dropout probability of dropping an element of x in training, in [0, 1)
   * @param targetModules names or ends of names of the adapted modules
   * @param rsLora whether the scale is alpha over the square root of the rank, not over the rank
   * @param dora whether each output has a magnitude of its own (DoRA)
   * @param fanInFanOut whether the adapted modules keep their weights as [in, out], as GPT-2 does
   *     in its files; A and B are [rank, in] and [out, rank] all the same
   * @param ranks other ranks by name or end of name of the module; the first that fits counts
   * @param alphas other alphas by name or end of name of the module
   * @see <a href="https://arxiv.org/abs/2106.09685">LoRA</a>
   * @see <a href="https://arxiv.org/abs/2312.03732">rsLoRA</a>
   * @see <a href="https://arxiv.org/abs/2402.09353">DoRA</a>
   */
  record LoraSettings(
      int rank,
      double alpha,
      double dropout,
      List<String> targetModules,
      boolean rsLora,
      boolean dora,
      boolean fanInFanOut,
      Map<String, Integer> ranks,
      Map<String, Double> alphas)
      implements PeftMethod {
    /**
     * @throws IllegalArgumentException if a number is out of range
     * @throws UnsupportedException if a key of {@code ranks} or {@code alphas} is a regular
     *     expression and not a plain name
     */
    public LoraSettings {
      targetModules = List.copyOf(targetModules);
      ranks = Collections.unmodifiableMap(new LinkedHashMap<>(ranks));
      alphas = Collections.unmodifiableMap(new LinkedHashMap<>(alphas));
      require(rank >= 1, "rank", "at least 1", rank);
      require(Double.isFinite(alpha), "alpha", "finite", alpha);
      require(dropout >= 0 && dropout < 1, "dropout", "in [0, 1)", dropout);
      ranks.forEach((key, value) -> require(value >= 1, "ranks." + key, "at least 1", value));
      alphas.forEach(
          (key, value) -> require(Double.isFinite(value), "alphas." + key, "finite", value));
      ranks.keySet().forEach(LoraSettings::requirePlain);
      alphas.keySet().forEach(LoraSettings::requirePlain);
    }

    private static void require(boolean sound, String name, String expected, Object value) {
      if (!sound) {
        throw new IllegalArgumentException(name + " must be " + expected + ", got " + value);
      }
    }

    private static void requirePlain(String key) {
      if (!key.matches("\\^?[\\w.]+")) {
        throw new UnsupportedException(
            "the pattern '" + key + "' of an adapter is a regular expression",
            "Name the modules in rank_pattern and alpha_pattern by their names or ends of names");
      }
    }

    /** The rank of one module. */
    public int rank(String module) {
      return fitting(ranks, module).orElse(rank);
    }

    /** What the product of B and A is multiplied with in one module. */
    public double scale(String module) {
      double divisor = rsLora ? Math.sqrt(rank(module)) : rank(module);
      return fitting(alphas, module).orElse(alpha) / divisor;
    }

    private static <T> Optional<T> fitting(Map<String, T> patterns, String module) {
      return patterns.entrySet().stream()
          .filter(pattern -> names(pattern.getKey(), module))
          .map(Map.Entry::getValue)
          .findFirst();
    }

    private static boolean names(String key, String module) {
      return key.startsWith("^")
          ? module.equals(key.substring(1))
          : module.equals(key) || module.endsWith("." + key);
    }

    @Override
    public String peftType() {
      return "LORA";
    }
  }

  /**
   * Prompt tuning: learned vectors before the embedded tokens.
   *
   * @param virtualTokens number of vectors, at least 1
   * @param width elements of a vector, at least 1
   * @see <a href="https://arxiv.org/abs/2104.08691">Prompt tuning</a>
   */
  record PromptSettings(int virtualTokens, int width) implements PeftMethod {
    /** The name of the one tensor, [virtualTokens, width]. */
    public static final String TENSOR = "prompt_embeddings";

    public PromptSettings {
      if (virtualTokens < 1 || width < 1) {
        throw new IllegalArgumentException(
            "virtualTokens and width must be at least 1, got " + virtualTokens + ", " + width);
      }
    }

    @Override
    public String peftType() {
      return "PROMPT_TUNING";
    }
  }
}
