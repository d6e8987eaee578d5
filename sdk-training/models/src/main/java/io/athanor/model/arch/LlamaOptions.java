package io.athanor.model.arch;

import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.RopeScaling;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Where the relatives of Llama differ, read from their configuration. Absent entries have the
 * values that transformers gives them.
 *
 * @param vocabulary number of ids; 0 if not yet known
 * @param size of a position's vector
 * @param heads of queries
 * @param keyHeads of keys and values
 * @param headSize of one head
 * @param feedForward inner size of the feed-forward network
 * @param activation of its gate
 * @param feedForwardBias whether its layers have biases
 * @param projectionBias whether queries, keys and values have biases
 * @param outputBias whether the output of attention has a bias
 * @param headNorm whether each head of queries and keys is normalised (Qwen 3)
 * @param sandwich whether parts are normalised after as well as before (Gemma 2)
 * @param epsilon of the norms
 * @param normOffset added to the weights of norms (1 for Gemma)
 * @param embeddingScale factor on the embeddings
 * @param tied whether the embedding is the last matrix too
 * @param ropeBase wavelength base of the positions
 * @param ropeScaling how positions reach further
 * @param attentionScale factor on the products of queries and keys
 * @param attentionCap bound of those; 0 for none
 * @param logitCap bound of the logits; 0 for none
 * @param windows for each layer, how many positions it sees; 0 for all
 * @param dropout of attention weights
 * @param deviation of new weights
 * @param contextLength most tokens of a sequence
 */
record LlamaOptions(
    int vocabulary,
    int size,
    int heads,
    int keyHeads,
    int headSize,
    int feedForward,
    Activation.Kind activation,
    boolean feedForwardBias,
    boolean projectionBias,
    boolean outputBias,
    boolean headNorm,
    boolean sandwich,
    double epsilon,
    double normOffset,
    double embeddingScale,
    boolean tied,
    double ropeBase,
    RopeScaling ropeScaling,
    double attentionScale,
    double attentionCap,
    double logitCap,
    List<Integer> windows,
    double dropout,
    double deviation,
    int contextLength) {
  static final String TYPE = "model_type";
  static final String LLAMA = "llama";
  private static final String MISTRAL = "mistral";
  private static final String QWEN2 = "qwen2";
  private static final String QWEN3 = "qwen3";
  private static final String GEMMA = "gemma";
  private static final String GEMMA2 = "gemma2";

  /** Types of models, and how the names of their classes begin. */
  static final Map<String, String> CLASSES =
      Map.of(
          LLAMA, "Llama", MISTRAL, "Mistral", QWEN2, "Qwen2", QWEN3, "Qwen3", GEMMA, "Gemma",
          GEMMA2, "Gemma2");

  static LlamaOptions of(ModelConfig c) {
    for (String name :
        List.of("num_experts", "num_local_experts", "n_routed_experts", "quantization_config")) {
      c.refuse(name, 0);
    }
    c.refuse("partial_rotary_factor", 1, 1.0);
    c.refuse("use_bidirectional_attention", false);
    String type = c.text(TYPE, LLAMA);
    boolean gemma = type.startsWith(GEMMA);
    boolean gemma2 = type.equals(GEMMA2);
    boolean qwen2 = type.equals(QWEN2);
    boolean biased = !type.equals(MISTRAL) && !qwen2 && c.flag("attention_bias", false);
    int size = c.size("hidden_size");
    int heads = c.count("num_attention_heads");
    int headSize = headSize(c, type, size, heads);
    int contextLength = c.size("max_position_embeddings", contextLength(type));
    return new LlamaOptions(
        c.has("vocab_size") ? c.size("vocab_size") : 0,
        size,
        heads,
        keyHeads(c, type, heads),
        headSize,
        c.size("intermediate_size"),
        activation(c, gemma),
        type.equals(LLAMA) && c.flag("mlp_bias", false),
        biased || qwen2,
        biased,
        type.equals(QWEN3),
        gemma2,
        c.positive("rms_norm_eps", 1e-6),
        gemma ? 1 : 0,
        gemma ? Math.sqrt((double) size) : 1,
        c.flag("tie_word_embeddings", gemma),
        ropeBase(c),
        c.checked(() -> ropeScaling(c, contextLength)),
        1 / Math.sqrt(gemma2 ? c.positive("query_pre_attn_scalar", 256) : headSize),
        gemma2 ? cap(c, "attn_logit_softcapping", 50) : 0,
        gemma2 ? cap(c, "final_logit_softcapping", 30) : 0,
        windows(c, type),
        c.rate("attention_dropout", 0),
        c.positive("initializer_range", 0.02),
        contextLength);
  }

  private static int headSize(ModelConfig c, String type, int size, int heads) {
    int absent = type.equals(QWEN3) ? 128 : type.startsWith(GEMMA) ? 256 : size / heads;
    int headSize = c.size("head_dim", Math.max(1, absent));
    if (!c.has("head_dim") && absent * heads != size && absent == size / heads) {
      throw c.expected("num_attention_heads", "a divisor of hidden_size " + size);
    }
    if (headSize % 2 != 0) {
      throw c.expected("head_dim", "even, or hidden_size an even multiple of the heads");
    }
    return headSize;
  }

  private static int keyHeads(ModelConfig c, String type, int heads) {
    int absent =
        Map.of(MISTRAL, 8, QWEN2, 32, QWEN3, 32, GEMMA, 16, GEMMA2, 4).getOrDefault(type, heads);
    int keyHeads = c.size("num_key_value_heads", absent);
    if (heads % keyHeads != 0) {
      throw c.expected("num_key_value_heads", "a divisor of num_attention_heads " + heads);
    }
    return keyHeads;
  }

  private static int contextLength(String type) {
    return Map.of(MISTRAL, 131_072, QWEN2, 32_768, QWEN3, 32_768, GEMMA, 8192, GEMMA2, 8192)
        .getOrDefault(type, 2048);
  }

  private static Activation.Kind activation(ModelConfig c, boolean gemma) {
    String usual = gemma ? "gelu_pytorch_tanh" : "silu";
    boolean own = gemma && c.has("hidden_activation");
    return c.activation(own ? "hidden_activation" : "hidden_act", usual);
  }

  private static double cap(ModelConfig c, String name, double absent) {
    double cap = c.nullOr(name, absent);
    if (!(cap >= 0)) {
      throw c.expected(name, "at least 0");
    }
    return cap;
  }

  private static List<Integer> windows(ModelConfig c, String type) {
    int layers = c.count("num_hidden_layers");
    int window = (int) c.nullOr("sliding_window", 4096);
    if (window < 0) {
      throw c.expected("sliding_window", "at least 0");
    }
    boolean qwen = type.equals(QWEN2) || type.equals(QWEN3);
    boolean slides =
        type.equals(MISTRAL)
            || type.equals(GEMMA2)
            || (qwen && c.flag("use_sliding_window", false));
    if (!slides) {
      return IntStream.range(0, layers).mapToObj(i -> 0).toList();
    }
    int full = c.whole("max_window_layers", 28, 0);
    List<String> types = type.equals(MISTRAL) ? List.of() : c.texts("layer_types");
    if (!types.isEmpty() && types.size() != layers) {
      throw c.expected("layer_types", "a list of " + layers);
    }
    return IntStream.range(0, layers)
        .mapToObj(
            i -> {
              if (types.isEmpty()) {
                return type.equals(MISTRAL) || (qwen ? i >= full : i % 2 == 0);
              }
              if (!List.of("sliding_attention", "full_attention").contains(types.get(i))) {
                throw c.unsupported("layer_types", "Known are sliding and full attention");
              }
              return types.get(i).equals("sliding_attention");
            })
        .map(sliding -> sliding ? window : 0)
        .toList();
  }

  private static ModelConfig rope(ModelConfig c) {
    return c.object("rope_scaling")
        .or(() -> c.object("rope_parameters"))
        .orElseGet(() -> new ModelConfig(c.source(), Map.of()));
  }

  private static double ropeBase(ModelConfig c) {
    double base = rope(c).number("rope_theta", c.number("rope_theta", 10_000));
    if (!(base > 1)) {
      throw c.expected("rope_theta", "above 1");
    }
    return base;
  }

  private static RopeScaling ropeScaling(ModelConfig c, int contextLength) {
    ModelConfig rope = rope(c);
    String entry = rope.has("rope_type") ? "rope_type" : "type";
    rope.refuse("truncate", true);
    rope.refuse("partial_rotary_factor", 1, 1.0);
    int original = rope.size("original_max_position_embeddings", contextLength);
    return switch (rope.text(entry, "default")) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(rope.number("factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              rope.number("factor"),
              rope.number("low_freq_factor"),
              rope.number("high_freq_factor"),
              original);
      case "yarn" ->
          new RopeScaling.Yarn(
              rope.number("factor"),
              rope.positive("beta_slow", 1),
              rope.positive("beta_fast", 32),
              original,
              rope.positive("attention_factor", yarnMagnitude(rope)));
      default -> throw rope.unsupported(entry, "Known are default, linear, llama3 and yarn");
    };
  }

  private static double yarnMagnitude(ModelConfig rope) {
    double factor = rope.number("factor");
    double growth = factor <= 1 ? 0 : 0.1 * Math.log(factor);
    double part = rope.number("mscale", 0);
    double all = rope.number("mscale_all_dim", 0);
    return part != 0 && all != 0 ? (part * growth + 1) / (all * growth + 1) : growth + 1;
  }
}
