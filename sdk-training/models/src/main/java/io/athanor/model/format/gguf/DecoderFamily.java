package io.athanor.model.format.gguf;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Decoders with rotary positions, RMS norms and gated feed-forward layers: Llama (also Mistral,
 * SmolLM, TinyLlama), Qwen 2 and 3, Gemma 1 and 2.
 */
final class DecoderFamily implements Family {
  static final DecoderFamily LLAMA =
      new DecoderFamily("llama", "LlamaForCausalLM", "llama", "mistral");
  static final DecoderFamily QWEN2 = new DecoderFamily("qwen2", "Qwen2ForCausalLM", "qwen2");
  static final DecoderFamily QWEN3 = new DecoderFamily("qwen3", "Qwen3ForCausalLM", "qwen3");
  static final DecoderFamily GEMMA = new DecoderFamily("gemma", "GemmaForCausalLM", "gemma");
  static final DecoderFamily GEMMA2 = new DecoderFamily("gemma2", "Gemma2ForCausalLM", "gemma2");

  /** Gemma 2 27B is the one with this many layers, and scales its attention differently. */
  private static final int LARGE_GEMMA2 = 46;

  /** Layers that may have biases, by architecture. */
  private static final Map<String, List<String>> BIASED =
      Map.of(
          "llama",
          List.of(".attn_", ".ffn_gate.", ".ffn_up.", ".ffn_down."),
          "qwen2",
          List.of(".attn_q.", ".attn_k.", ".attn_v."));

  private final String architecture;
  private final String className;
  private final List<String> modelTypes;
  private final TensorNames names;

  private DecoderFamily(String architecture, String className, String... modelTypes) {
    this.architecture = architecture;
    this.className = className;
    this.modelTypes = List.of(modelTypes);
    this.names = names(architecture);
  }

  private static TensorNames names(String architecture) {
    List<String> pairs = new ArrayList<>();
    Collections.addAll(pairs, "token_embd", "model.embed_tokens");
    Collections.addAll(pairs, "output_norm", "model.norm", "output", "lm_head");
    String layer = "model.layers.#.";
    Collections.addAll(pairs, "blk.#.attn_norm", layer + "input_layernorm");
    Collections.addAll(pairs, "blk.#.attn_q", layer + "self_attn.q_proj");
    Collections.addAll(pairs, "blk.#.attn_k", layer + "self_attn.k_proj");
    Collections.addAll(pairs, "blk.#.attn_v", layer + "self_attn.v_proj");
    Collections.addAll(pairs, "blk.#.attn_output", layer + "self_attn.o_proj");
    Collections.addAll(pairs, "blk.#.ffn_gate", layer + "mlp.gate_proj");
    Collections.addAll(pairs, "blk.#.ffn_up", layer + "mlp.up_proj");
    Collections.addAll(pairs, "blk.#.ffn_down", layer + "mlp.down_proj");
    if (architecture.equals("qwen3")) {
      Collections.addAll(pairs, "blk.#.attn_q_norm", layer + "self_attn.q_norm");
      Collections.addAll(pairs, "blk.#.attn_k_norm", layer + "self_attn.k_norm");
    }
    if (architecture.equals("gemma2")) {
      Collections.addAll(pairs, "blk.#.post_attention_norm", layer + "post_attention_layernorm");
      Collections.addAll(pairs, "blk.#.ffn_norm", layer + "pre_feedforward_layernorm");
      Collections.addAll(pairs, "blk.#.post_ffw_norm", layer + "post_feedforward_layernorm");
    } else {
      Collections.addAll(pairs, "blk.#.ffn_norm", layer + "post_attention_layernorm");
    }
    return new TensorNames(pairs.toArray(String[]::new));
  }

  private boolean gemma() {
    return this == GEMMA || this == GEMMA2;
  }

  @Override
  public String architecture() {
    return architecture;
  }

  @Override
  public List<String> modelTypes() {
    return modelTypes;
  }

  @Override
  public TensorNames names() {
    return names;
  }

  @Override
  public Layout layout(String name, Heads heads) {
    if (this == LLAMA && name.contains(".attn_q.")) {
      return new Layout.RotaryRows(heads.queries());
    }
    if (this == LLAMA && name.contains(".attn_k.")) {
      return new Layout.RotaryRows(heads.keys());
    }
    return gemma() && name.endsWith("norm.weight") ? new Layout.PlusOne() : new Layout.Same();
  }

  @Override
  public Optional<String> refusal(String name, ConfigEntries config) {
    boolean bias = name.endsWith(".bias");
    if (bias && BIASED.getOrDefault(architecture, List.of()).stream().noneMatch(name::contains)) {
      return Optional.of("has no place for it");
    }
    Heads heads = heads(config);
    int hidden = config.size("hidden_size");
    boolean filling = heads.queries() * heads.size() == hidden;
    return name.contains(".attn_q.") && (bias || this == QWEN2) && !filling
        ? Optional.of(
            "takes it only where heads ("
                + heads.queries()
                + ") x head size ("
                + heads.size()
                + ") are the hidden size ("
                + hidden
                + ")")
        : Optional.empty();
  }

  @Override
  public boolean configures(String name) {
    return this == LLAMA && name.equals(RopeScaling.TENSOR);
  }

  @Override
  public Map<String, @Nullable Object> config(GgufFile file) {
    Metadata metadata = file.metadata();
    String prefix = architecture + ".";
    if (metadata.integer(prefix + "expert_count", 0) > 0) {
      throw new UnsupportedException(
          file.source() + ": a mixture of experts", "Take a model with one feed-forward per layer");
    }
    int hidden = metadata.size(prefix + "embedding_length");
    int heads = metadata.size(prefix + "attention.head_count");
    int rotated = metadata.size(prefix + "rope.dimension_count", Math.max(1, hidden / heads));
    int headSize = metadata.size(prefix + "attention.key_length", rotated);
    if (rotated != headSize
        || headSize % 2 != 0
        || metadata.size(prefix + "attention.value_length", headSize) != headSize) {
      throw new UnsupportedException(
          file.source()
              + ": heads whose keys, values and rotated part differ in size, or are odd ("
              + headSize
              + ", "
              + rotated
              + ")",
          "Take a model that rotates whole heads");
    }
    Map<String, @Nullable Object> config = new LinkedHashMap<>();
    config.put("architectures", List.of(className));
    config.put("model_type", modelTypes.get(0));
    config.put("hidden_size", hidden);
    config.put("intermediate_size", metadata.size(prefix + "feed_forward_length"));
    config.put("num_hidden_layers", metadata.size(prefix + "block_count"));
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", metadata.size(prefix + "attention.head_count_kv", heads));
    config.put("head_dim", headSize);
    config.put("max_position_embeddings", metadata.size(prefix + "context_length"));
    config.put("rms_norm_eps", metadata.number(prefix + "attention.layer_norm_rms_epsilon"));
    double base = metadata.number(prefix + "rope.freq_base", 10_000);
    config.put("rope_theta", base);
    config.put("rope_scaling", RopeScaling.config(file, prefix, base, headSize));
    if (gemma()) {
      config.put("hidden_act", "gelu_pytorch_tanh");
      config.put("hidden_activation", "gelu_pytorch_tanh");
    } else {
      config.put("hidden_act", "silu");
    }
    if (this == LLAMA) {
      config.put("attention_bias", file.tensors().containsKey("blk.0.attn_q.bias"));
      config.put("mlp_bias", file.tensors().containsKey("blk.0.ffn_up.bias"));
    }
    if (this == GEMMA2) {
      config.put("attn_logit_softcapping", metadata.number(prefix + "attn_logit_softcapping", 50));
      config.put(
          "final_logit_softcapping", metadata.number(prefix + "final_logit_softcapping", 30));
      config.put("sliding_window", metadata.size(prefix + "attention.sliding_window", 4096));
      config.put(
          "query_pre_attn_scalar",
          queryScale(metadata.size(prefix + "block_count"), hidden, heads, headSize));
    }
    return config;
  }

  /** GGUF does not hold it: its readers go by the number of layers. */
  private static int queryScale(int layers, int hidden, int heads, int headSize) {
    return layers == LARGE_GEMMA2 ? hidden / heads : headSize;
  }

  @Override
  public Heads heads(ConfigEntries config) {
    int heads = config.size("num_attention_heads");
    return new Heads(
        heads,
        config.size("num_key_value_heads", heads),
        config.size("head_dim", Math.max(1, config.size("hidden_size") / heads)));
  }

  @Override
  public int layers(ConfigEntries config) {
    return config.size("num_hidden_layers");
  }

  @Override
  public boolean tied(ConfigEntries config) {
    return config.flag("tie_word_embeddings", gemma());
  }

  @Override
  public Map<String, Object> metadata(ConfigEntries config) {
    refuse(config);
    Heads heads = heads(config);
    int context = config.size("max_position_embeddings");
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("context_length", (long) Math.min(context, window(config, context)));
    values.put("embedding_length", (long) config.size("hidden_size"));
    values.put("block_count", (long) layers(config));
    values.put("feed_forward_length", (long) config.size("intermediate_size"));
    values.put("attention.head_count", (long) heads.queries());
    values.put("attention.head_count_kv", (long) heads.keys());
    values.put("attention.layer_norm_rms_epsilon", (float) config.number("rms_norm_eps", 1e-6));
    values.put("attention.key_length", (long) heads.size());
    values.put("attention.value_length", (long) heads.size());
    values.put("rope.freq_base", (float) config.number("rope_theta", 10_000));
    values.put("rope.dimension_count", (long) heads.size());
    values.putAll(RopeScaling.metadata(config));
    if (this == GEMMA2) {
      values.put("attn_logit_softcapping", (float) config.number("attn_logit_softcapping", 50));
      values.put("final_logit_softcapping", (float) config.number("final_logit_softcapping", 30));
      values.put("attention.sliding_window", (long) config.size("sliding_window", 4096));
    }
    return values;
  }

  /**
   * The metadata of llama has no sliding window. Within a window the results are the same, so the
   * context is cut to it.
   */
  private static int window(ConfigEntries config, int context) {
    return config.has("model_type") && config.text("model_type").equals("mistral")
        ? config.size("sliding_window", context)
        : context;
  }

  private void refuse(ConfigEntries config) {
    String activation = config.has("hidden_act") ? config.text("hidden_act") : "silu";
    if (!gemma() && !activation.equals("silu")) {
      throw new UnsupportedException(
          config.source()
              + ": activation '"
              + activation
              + "', GGUF's "
              + architecture
              + " has silu",
          "Write a Hugging Face folder instead");
    }
    if (this != GEMMA2 && config.flag("use_sliding_window", false)) {
      throw new UnsupportedException(
          config.source() + ": GGUF's " + architecture + " has no sliding window",
          "Switch use_sliding_window off, or write a Hugging Face folder instead");
    }
    Heads heads = heads(config);
    int expected =
        queryScale(layers(config), config.size("hidden_size"), heads.queries(), heads.size());
    if (this == GEMMA2 && config.number("query_pre_attn_scalar", 256) != expected) {
      throw new UnsupportedException(
          config.source()
              + ": GGUF cannot hold query_pre_attn_scalar, and readers take "
              + expected
              + " for this size, but the model has "
              + config.number("query_pre_attn_scalar", 256),
          "Write a Hugging Face folder instead");
    }
    if (heads.size() % 2 != 0) {
      throw new FormatException(config.source(), "head_dim must be even, got " + heads.size());
    }
  }

  @Override
  public Map<String, Tensor> configuring(ConfigEntries config) {
    return this == LLAMA
        ? RopeScaling.tensors(config, config.number("rope_theta", 10_000), heads(config).size())
        : Map.of();
  }
}
