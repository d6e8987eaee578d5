package io.athanor.model.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.model.format.PeftMethod.LoraSettings;
import io.athanor.model.format.PeftMethod.PromptSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The entries of {@code adapter_config.json}; those that are absent or null have PEFT's defaults.
 */
record PeftConfig(String source, Map<String, @Nullable Object> entries) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Settings that change what an adapter computes, and that are not understood. */
  private static final List<String> REFUSED =
      List.of(
          "use_qalora",
          "lora_bias",
          "layer_replication",
          "target_parameters",
          "trainable_token_indices");

  /** Settings that leave out some of the modules that the names fit. */
  private static final List<String> SELECTING =
      List.of("exclude_modules", "layers_to_transform", "layers_pattern");

  boolean isLora() {
    String type = required("peft_type", String.class);
    if (!type.equals("LORA") && !type.equals("PROMPT_TUNING")) {
      throw new UnsupportedException(
          source + ": adapters of the type " + type, "Use one of LORA and PROMPT_TUNING");
    }
    return type.equals("LORA");
  }

  PeftAdapter adapter(String folder, Optional<Digest> baseDigest, Map<String, Tensor> tensors) {
    return new PeftAdapter(
        folder,
        isLora() ? lora(tensors) : prompt(),
        optional("task_type", String.class),
        optional("base_model_name_or_path", String.class).orElse(""),
        baseDigest,
        texts("modules_to_save"),
        tensors);
  }

  private LoraSettings lora(Map<String, Tensor> tensors) {
    String bias = optional("bias", String.class).orElse("none");
    if (!bias.equals("none")) {
      throw new UnsupportedException(
          source + ": trained biases (bias \"" + bias + "\")",
          "Train the adapter with bias=\"none\", or merge it into its model with PEFT");
    }
    for (String name : REFUSED) {
      if (isSet(name)) {
        throw new UnsupportedException(
            source + ": the setting '" + name + "'",
            "Train the adapter without it, or merge it into its model with PEFT");
      }
    }
    return new LoraSettings(
        integer("r"),
        required("lora_alpha", Number.class).doubleValue(),
        optional("lora_dropout", Number.class).map(Number::doubleValue).orElse(0.0),
        targets(tensors),
        flag("use_rslora"),
        flag("use_dora"),
        flag("fan_in_fan_out"),
        pattern("rank_pattern", this::wholeNumber),
        pattern("alpha_pattern", (name, number) -> number.doubleValue()));
  }

  /** The list that was given, or the modules' own names where it takes more than a list. */
  private List<String> targets(Map<String, Tensor> tensors) {
    if (entries.get("target_modules") instanceof List<?>
        && SELECTING.stream().noneMatch(this::isSet)) {
      return texts("target_modules");
    }
    Set<String> modules = new TreeSet<>();
    for (String name : tensors.keySet()) {
      if (name.endsWith(PeftAdapter.A)) {
        modules.add(name.substring(0, name.length() - PeftAdapter.A.length()));
      }
    }
    return List.copyOf(modules);
  }

  private PromptSettings prompt() {
    optional("num_transformer_submodules", Number.class)
        .filter(number -> number.longValue() != 1)
        .ifPresent(
            number -> {
              throw new UnsupportedException(
                  source + ": virtual tokens for " + number + " parts of a model",
                  "Prompt tuning is for models that are only an encoder or only a decoder");
            });
    return new PromptSettings(integer("num_virtual_tokens"), integer("token_dim"));
  }

  /** Whether a setting is there and is not what PEFT has when it is not used. */
  private boolean isSet(String name) {
    Object value = entries.get(name);
    return !(value == null
        || value.equals(false)
        || (value instanceof List<?> list && list.isEmpty())
        || (value instanceof Map<?, ?> map && map.isEmpty()));
  }

  private boolean flag(String name) {
    return optional(name, Boolean.class).orElse(false);
  }

  private int integer(String name) {
    return wholeNumber(name, required(name, Number.class));
  }

  private int wholeNumber(String name, Number number) {
    if (!(number instanceof Integer)) {
      throw wrong(name, "a 32-bit integer", number);
    }
    return number.intValue();
  }

  private List<String> texts(String name) {
    List<String> texts = new ArrayList<>();
    for (Object item : optional(name, List.class).orElse(List.of())) {
      if (!(item instanceof String text)) {
        throw wrong(name, "a list of texts", item);
      }
      texts.add(text);
    }
    return texts;
  }

  private interface NumberReader<T> {
    T read(String name, Number number);
  }

  private <T> Map<String, T> pattern(String name, NumberReader<T> reader) {
    Map<String, T> pattern = new LinkedHashMap<>();
    Map<?, ?> map = optional(name, Map.class).orElse(Map.of());
    map.forEach(
        (key, value) -> {
          if (!(value instanceof Number number)) {
            throw wrong(name, "an object of numbers", value);
          }
          pattern.put((String) key, reader.read(name + "." + key, number));
        });
    return pattern;
  }

  private <T> T required(String name, Class<T> type) {
    return optional(name, type)
        .orElseThrow(() -> new FormatException(source, "missing entry '" + name + "'"));
  }

  private <T> Optional<T> optional(String name, Class<T> type) {
    Object value = entries.get(name);
    if (value != null && !type.isInstance(value)) {
      throw wrong(name, "a " + type.getSimpleName().toLowerCase(java.util.Locale.ROOT), value);
    }
    return Optional.ofNullable(value).map(type::cast);
  }

  private FormatException wrong(String name, String expected, @Nullable Object value) {
    String text = String.valueOf(value);
    return new FormatException(
        source,
        "'"
            + name
            + "' must be "
            + expected
            + ", got "
            + (text.length() > 60 ? text.substring(0, 60) + ".." : text));
  }

  /** The text of {@code adapter_config.json}. */
  static String write(PeftAdapter adapter) {
    Map<String, @Nullable Object> entries = new LinkedHashMap<>();
    entries.put("peft_type", adapter.method().peftType());
    entries.put("task_type", adapter.task().orElse(null));
    entries.put("base_model_name_or_path", adapter.base());
    entries.put("inference_mode", true);
    entries.put(
        "modules_to_save", adapter.savedModules().isEmpty() ? null : adapter.savedModules());
    if (adapter.method() instanceof LoraSettings lora) {
      entries.put("r", lora.rank());
      entries.put("lora_alpha", plain(lora.alpha()));
      entries.put("lora_dropout", lora.dropout());
      entries.put("target_modules", lora.targetModules());
      entries.put("use_rslora", lora.rsLora());
      entries.put("use_dora", lora.dora());
      entries.put("fan_in_fan_out", lora.fanInFanOut());
      entries.put("bias", "none");
      entries.put("rank_pattern", lora.ranks());
      Map<String, Object> alphas = new LinkedHashMap<>();
      lora.alphas().forEach((key, value) -> alphas.put(key, plain(value)));
      entries.put("alpha_pattern", alphas);
    } else if (adapter.method() instanceof PromptSettings prompt) {
      entries.put("num_virtual_tokens", prompt.virtualTokens());
      entries.put("token_dim", prompt.width());
      entries.put("num_transformer_submodules", 1);
      entries.put("prompt_tuning_init", "RANDOM");
    }
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(entries) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Maps of JSON values are JSON", e);
    }
  }

  /** Without a fraction where there is none, as PEFT writes it. */
  private static Object plain(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      return (long) value;
    }
    return value;
  }
}
