package io.athanor.model.format.gguf;

import io.athanor.api.error.UnsupportedException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** GPT-2 and its descendants (DialoGPT), whose matrices Hugging Face keeps transposed. */
final class Gpt2Family implements Family {
  private static final TensorNames NAMES =
      new TensorNames(
          "token_embd", "transformer.wte",
          "position_embd", "transformer.wpe",
          "output_norm", "transformer.ln_f",
          "output", "lm_head",
          "blk.#.attn_norm", "transformer.h.#.ln_1",
          "blk.#.attn_qkv", "transformer.h.#.attn.c_attn",
          "blk.#.attn_output", "transformer.h.#.attn.c_proj",
          "blk.#.ffn_norm", "transformer.h.#.ln_2",
          "blk.#.ffn_up", "transformer.h.#.mlp.c_fc",
          "blk.#.ffn_down", "transformer.h.#.mlp.c_proj");

  @Override
  public String architecture() {
    return "gpt2";
  }

  @Override
  public List<String> modelTypes() {
    return List.of("gpt2");
  }

  @Override
  public TensorNames names() {
    return NAMES;
  }

  @Override
  public String fullName(String name) {
    boolean bare = name.startsWith("h.") || name.startsWith("w") || name.startsWith("ln_f.");
    return bare ? "transformer." + name : name;
  }

  @Override
  public Layout layout(String name, Heads heads) {
    return name.startsWith("blk.") && name.endsWith(".weight") && !name.contains("norm")
        ? new Layout.Transposed()
        : new Layout.Same();
  }

  @Override
  public Map<String, @Nullable Object> config(GgufFile file) {
    Metadata metadata = file.metadata();
    Map<String, @Nullable Object> config = new LinkedHashMap<>();
    config.put("architectures", List.of("GPT2LMHeadModel"));
    config.put("model_type", "gpt2");
    int context = metadata.size("gpt2.context_length");
    config.put("n_positions", context);
    config.put("n_ctx", context);
    config.put("n_embd", metadata.size("gpt2.embedding_length"));
    config.put("n_layer", metadata.size("gpt2.block_count"));
    config.put("n_head", metadata.size("gpt2.attention.head_count"));
    config.put("n_inner", metadata.size("gpt2.feed_forward_length"));
    config.put("activation_function", "gelu_new");
    config.put("layer_norm_epsilon", metadata.number("gpt2.attention.layer_norm_epsilon"));
    return config;
  }

  @Override
  public Heads heads(ConfigEntries config) {
    int heads = config.size("n_head");
    return new Heads(heads, heads, Math.max(1, config.size("n_embd") / heads));
  }

  @Override
  public int layers(ConfigEntries config) {
    return config.size("n_layer");
  }

  @Override
  public boolean tied(ConfigEntries config) {
    return config.flag("tie_word_embeddings", true);
  }

  @Override
  public boolean copiesTiedOutput() {
    return true;
  }

  @Override
  public Map<String, Object> metadata(ConfigEntries config) {
    String activation =
        config.has("activation_function") ? config.text("activation_function") : "gelu_new";
    if (!activation.equals("gelu_new") || config.flag("scale_attn_by_inverse_layer_idx", false)) {
      throw new UnsupportedException(
          config.source()
              + ": GGUF's gpt2 has gelu_new and plain attention scores, the model has "
              + activation
              + " or scaled ones",
          "Write a Hugging Face folder instead");
    }
    int hidden = config.size("n_embd");
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("context_length", (long) config.size("n_positions"));
    values.put("embedding_length", (long) hidden);
    values.put("block_count", (long) layers(config));
    values.put("feed_forward_length", (long) config.size("n_inner", 4 * hidden));
    values.put("attention.head_count", (long) config.size("n_head"));
    values.put("attention.layer_norm_epsilon", (float) config.number("layer_norm_epsilon", 1e-5));
    return values;
  }
}
