package io.athanor.model.format;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model as its makers published it, whatever the file format: what every reader of this package
 * gives and every writer takes. It names things as Hugging Face does, and nothing is interpreted
 * yet; the architectures do that. Immutable and thread-safe.
 *
 * @param source where it came from, for errors
 * @param config the entries of Hugging Face's {@code config.json}, with {@link #GENERATION} for
 *     those of {@code generation_config.json}, if there are any. Values are what JSON has: texts,
 *     booleans, numbers, lists, maps and null
 * @param tensors by Hugging Face name, in the file's order and of the file's element types; kept as
 *     given, not copied, because a reader may load each tensor only when it is asked for
 * @param tokenizer the content of Hugging Face's {@code tokenizer.json}
 * @param chatTemplate the Jinja text that turns a conversation into a prompt
 * @param specialTokens texts by role: {@code bos_token}, {@code eos_token}, {@code pad_token},
 *     {@code unk_token}, {@code cls_token}, {@code sep_token}, {@code mask_token}
 */
public record PretrainedModel(
    String source,
    Map<String, @Nullable Object> config,
    Map<String, Tensor> tensors,
    Optional<String> tokenizer,
    Optional<String> chatTemplate,
    Map<String, String> specialTokens) {
  /** The configuration's entry that holds {@code generation_config.json} as a map. */
  public static final String GENERATION = "generation_config";

  private static final String END_ID = "eos_token_id";

  /**
   * @throws IllegalArgumentException if the configuration holds something that JSON has not
   */
  public PretrainedModel {
    config = frozen("config", config);
    tensors = Collections.unmodifiableMap(tensors);
    specialTokens = Collections.unmodifiableMap(new LinkedHashMap<>(specialTokens));
  }

  static Map<String, @Nullable Object> frozen(String place, Map<?, ?> map) {
    Map<String, @Nullable Object> copy = new LinkedHashMap<>();
    map.forEach(
        (key, value) -> copy.put(String.valueOf(key), frozenValue(place + "." + key, value)));
    return Collections.unmodifiableMap(copy);
  }

  private static @Nullable Object frozenValue(String place, @Nullable Object value) {
    if (value instanceof Map<?, ?> map) {
      return frozen(place, map);
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> copy = new ArrayList<>(list.size());
      list.forEach(item -> copy.add(frozenValue(place + "[" + copy.size() + "]", item)));
      return Collections.unmodifiableList(copy);
    }
    if (value == null
        || value instanceof String
        || value instanceof Boolean
        || (value instanceof Number number && Double.isFinite(number.doubleValue()))) {
      return value;
    }
    throw new IllegalArgumentException(
        place + " must be a text, boolean, finite number, list, map or null, got " + value);
  }

  /**
   * The tokenizer, for those who cannot do without one.
   *
   * @throws NotFoundException if the model came without
   */
  public String requireTokenizer() {
    return tokenizer.orElseThrow(
        () ->
            new NotFoundException(
                "tokenizer.json with the model " + source,
                List.of(),
                "Copy it from the model's origin into the folder; where that has only vocab or"
                    + " .model files, AutoTokenizer.from_pretrained(..).save_pretrained(..) of"
                    + " transformers writes it"));
  }

  /**
   * The ids that end a text: those for generation where they are given, else the model's own.
   *
   * @return empty if the configuration names none
   */
  public List<Integer> endIds() {
    Object own = config.get(END_ID);
    Object generation =
        config.get(GENERATION) instanceof Map<?, ?> settings ? settings.get(END_ID) : null;
    Object ids = generation == null ? own : generation;
    List<?> list =
        ids instanceof List<?> several ? several : ids == null ? List.of() : List.of(ids);
    return list.stream()
        .filter(Number.class::isInstance)
        .map(n -> ((Number) n).intValue())
        .toList();
  }

  /**
   * The same model with every floating-point tensor as F32. Tensors that are F32 already stay as
   * they are, on disk; the others are converted into memory, exactly.
   *
   * @throws UnsupportedException if a tensor would not be below 2 GiB as F32
   */
  public PretrainedModel widened() {
    Map<String, Tensor> wide = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> wide.put(name, FloatConversion.convert(tensor, DType.F32)));
    return new PretrainedModel(source, config, wide, tokenizer, chatTemplate, specialTokens);
  }

  @Override
  public String toString() {
    return source + " (" + tensors.size() + " tensors)";
  }
}
