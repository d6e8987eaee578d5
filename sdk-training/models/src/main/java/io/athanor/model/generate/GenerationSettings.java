package io.athanor.model.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How a model chooses its tokens. The likeliest one, unless a temperature is set; then logits go,
 * in the order of Hugging Face's transformers, through repetition penalty, temperature, top-k and
 * top-p, and one of the tokens that are left is drawn. A watermark comes before the temperature,
 * and works without one too. Immutable.
 */
public final class GenerationSettings {
  private final int maxNewTokens;
  private final double temperature;
  private final int topK;
  private final double topP;
  private final double repetitionPenalty;
  private final long seed;
  private final List<String> stops;
  private final boolean likelihoods;
  private final int alternatives;
  private final Optional<Watermark> watermark;

  private GenerationSettings(Builder builder) {
    maxNewTokens = builder.maxNewTokens;
    temperature = builder.temperature;
    topK = builder.topK;
    topP = builder.topP;
    repetitionPenalty = builder.repetitionPenalty;
    seed = builder.seed;
    stops = List.copyOf(builder.stops);
    likelihoods = builder.likelihoods;
    alternatives = builder.alternatives;
    watermark = builder.watermark;
  }

  /** The likeliest token each time, at most 128 of them. */
  public static GenerationSettings greedy() {
    return builder().build();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** A builder with these settings. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.maxNewTokens = maxNewTokens;
    builder.temperature = temperature;
    builder.topK = topK;
    builder.topP = topP;
    builder.repetitionPenalty = repetitionPenalty;
    builder.seed = seed;
    builder.stops.addAll(stops);
    builder.likelihoods = likelihoods;
    builder.alternatives = alternatives;
    builder.watermark = watermark;
    return builder;
  }

  /** Most tokens to generate for a prompt. */
  public int maxNewTokens() {
    return maxNewTokens;
  }

  /** Divides the logits; 0 takes the likeliest token. */
  public double temperature() {
    return temperature;
  }

  /** How many of the likeliest tokens may be drawn; 0 for all. */
  public int topK() {
    return topK;
  }

  /** Which share of the probability the tokens that may be drawn make up. */
  public double topP() {
    return topP;
  }

  /** Above 1, makes tokens of prompt and answer less likely. */
  public double repetitionPenalty() {
    return repetitionPenalty;
  }

  /** Of the random numbers. */
  public long seed() {
    return seed;
  }

  /** Texts that end the answer. */
  public List<String> stops() {
    return stops;
  }

  /** Whether the result tells how likely each token was. */
  public boolean likelihoods() {
    return likelihoods;
  }

  /** How many alternatives the result names for each token. */
  public int alternatives() {
    return alternatives;
  }

  /** What marks the text. */
  public Optional<Watermark> watermark() {
    return watermark;
  }

  /** Makes settings; not thread-safe. */
  public static final class Builder {
    private int maxNewTokens = 128;
    private double temperature;
    private int topK;
    private double topP = 1;
    private double repetitionPenalty = 1;
    private long seed;
    private final List<String> stops = new ArrayList<>();
    private boolean likelihoods;
    private int alternatives;
    private Optional<Watermark> watermark = Optional.empty();

    private Builder() {}

    /** At least 1; 128 by default. The model's context ends an answer earlier. */
    public Builder maxNewTokens(int tokens) {
      require(tokens >= 1, "maxNewTokens must be at least 1", tokens);
      maxNewTokens = tokens;
      return this;
    }

    /** Above 0 to draw, the higher the more freely; 0, the default, takes the likeliest token. */
    public Builder temperature(double value) {
      require(value >= 0 && Double.isFinite(value), "temperature must be at least 0", value);
      temperature = value;
      return this;
    }

    /** Draws from the {@code count} likeliest tokens and those as likely; 0, the default, all. */
    public Builder topK(int count) {
      require(count >= 0, "topK must be at least 0", count);
      topK = count;
      return this;
    }

    /**
     * Draws from the fewest likeliest tokens that make up this share of the probability (Holtzman
     * et al. 2020); in (0, 1], 1 by default.
     */
    public Builder topP(double share) {
      require(share > 0 && share <= 1, "topP must be in (0, 1]", share);
      topP = share;
      return this;
    }

    /**
     * Divides positive logits of tokens that occurred, and multiplies negative ones (Keskar et al.
     * 2019); above 0, 1 by default.
     */
    public Builder repetitionPenalty(double factor) {
      require(factor > 0 && Double.isFinite(factor), "repetitionPenalty must be above 0", factor);
      repetitionPenalty = factor;
      return this;
    }

    /** Of the random numbers; each prompt of a batch has a stream of its own. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Adds a text that ends the answer and is left out of it. */
    public Builder stopAt(String text) {
      require(!text.isEmpty(), "a stop string must not be empty", text);
      stops.add(text);
      return this;
    }

    /** Tells how likely each token was. */
    public Builder likelihoods() {
      likelihoods = true;
      return this;
    }

    /** Tells how likely each token was, and what else was likely. */
    public Builder alternatives(int count) {
      require(count >= 1, "alternatives must be at least 1", count);
      likelihoods = true;
      alternatives = count;
      return this;
    }

    /** Marks the text so that a {@link WatermarkDetector} knows it again. */
    public Builder watermark(Watermark mark) {
      watermark = Optional.of(mark);
      return this;
    }

    public GenerationSettings build() {
      return new GenerationSettings(this);
    }

    private static void require(boolean holds, String rule, Object value) {
      if (!holds) {
        throw new IllegalArgumentException(rule + ", got " + value);
      }
    }
  }
}
