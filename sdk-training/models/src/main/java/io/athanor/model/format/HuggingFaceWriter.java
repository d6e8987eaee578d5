package io.athanor.model.format;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.SafeTensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes models as Hugging Face folders, which transformers loads. The tokenizer is described as
 * {@code PreTrainedTokenizerFast}, the class that does what {@code tokenizer.json} says and nothing
 * else. Immutable and thread-safe.
 */
public final class HuggingFaceWriter {
  private static final long FIVE_GIGABYTES = 5_000_000_000L;
  private static final List<String> LENGTHS = List.of("max_position_embeddings", "n_positions");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final long shardBytes;
  private final Optional<DType> dtype;

  HuggingFaceWriter() {
    this(FIVE_GIGABYTES, Optional.empty());
  }

  private HuggingFaceWriter(long shardBytes, Optional<DType> dtype) {
    this.shardBytes = shardBytes;
    this.dtype = dtype;
  }

  /**
   * The most bytes of tensors in one file; 5,000,000,000 unless told. A tensor larger than this
   * gets a file of its own.
   */
  public HuggingFaceWriter shardBytes(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be at least 1, got " + bytes);
    }
    return new HuggingFaceWriter(bytes, dtype);
  }

  /**
   * The element type of all floating-point tensors; unless told, each keeps its own. Conversion
   * holds one shard in memory.
   */
  public HuggingFaceWriter dtype(DType type) {
    if (!type.floating()) {
      throw new IllegalArgumentException("type must be a floating-point type, got " + type);
    }
    return new HuggingFaceWriter(shardBytes, Optional.of(type));
  }

  /**
   * Writes a model.
   *
   * @param folder must be absent or empty
   * @throws ConflictException if there is something already; it is untouched
   * @throws ValidationException if a value is beyond the range of the chosen type
   * @throws UnsupportedException if the chosen type makes a tensor of 2 GiB or more
   * @throws StorageException if it cannot be written; nothing stays behind
   */
  public void write(PretrainedModel model, Path folder) {
    AtomicFolder.write(folder, temporary -> fill(model, temporary));
  }

  private void fill(PretrainedModel model, Path folder) throws IOException {
    writeJson(folder.resolve(HuggingFaceFolder.CONFIG), config(model));
    if (model.config().get(PretrainedModel.GENERATION) instanceof Map<?, ?> generation) {
      writeJson(folder.resolve(HuggingFaceFolder.GENERATION), generation);
    }
    if (model.tokenizer().isPresent()) {
      Files.writeString(folder.resolve(HuggingFaceFolder.TOKENIZER), model.tokenizer().get());
      writeJson(folder.resolve(HuggingFaceFolder.TOKENIZER_CONFIG), tokenizerConfig(model));
      writeJson(folder.resolve(HuggingFaceFolder.SPECIAL_TOKENS), model.specialTokens());
    }
    if (model.chatTemplate().isPresent()) {
      Files.writeString(
          folder.resolve(HuggingFaceFolder.CHAT_TEMPLATE_FILE), model.chatTemplate().get());
    }
    writeShards(shards(model.tensors()), folder);
  }

  private static void writeJson(Path file, Map<?, ?> entries) throws IOException {
    Files.writeString(
        file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(entries) + "\n");
  }

  private Map<String, @Nullable Object> config(PretrainedModel model) {
    Map<String, @Nullable Object> config = new LinkedHashMap<>(model.config());
    config.remove(PretrainedModel.GENERATION);
    config.remove("dtype");
    // The name that releases before and after the change to "dtype" understand.
    config.put("torch_dtype", torchName(mainType(model)));
    return config;
  }

  /** The chosen type, or the one that most elements have. */
  private DType mainType(PretrainedModel model) {
    Map<DType, Long> elements = new EnumMap<>(DType.class);
    model.tensors().values().stream()
        .filter(tensor -> tensor.dtype().floating())
        .forEach(tensor -> elements.merge(tensor.dtype(), tensor.elements(), Long::sum));
    return dtype.orElseGet(
        () ->
            elements.entrySet().stream()
                .max(Map.Entry.comparingByValue())
                .map(Map.Entry::getKey)
                .orElse(DType.F32));
  }

  private static String torchName(DType type) {
    return type == DType.F32 ? "float32" : type == DType.F16 ? "float16" : "bfloat16";
  }

  private static Map<String, @Nullable Object> tokenizerConfig(PretrainedModel model) {
    Map<String, @Nullable Object> settings = new LinkedHashMap<>(model.specialTokens());
    settings.put("tokenizer_class", "PreTrainedTokenizerFast");
    settings.put("clean_up_tokenization_spaces", false);
    LENGTHS.stream()
        .map(model.config()::get)
        .filter(Number.class::isInstance)
        .findFirst()
        .ifPresent(length -> settings.put("model_max_length", length));
    // Transformers would else hand segment ids to models that have no such input.
    settings.put(
        "model_input_names",
        model.config().containsKey("type_vocab_size")
            ? List.of("input_ids", "token_type_ids", "attention_mask")
            : List.of("input_ids", "attention_mask"));
    model
        .chatTemplate()
        .ifPresent(template -> settings.put(HuggingFaceFolder.CHAT_TEMPLATE, template));
    return settings;
  }

  private List<Map<String, Tensor>> shards(Map<String, Tensor> tensors) {
    List<Map<String, Tensor>> shards = new ArrayList<>();
    Map<String, Tensor> current = new LinkedHashMap<>();
    long used = 0;
    for (Map.Entry<String, Tensor> item : tensors.entrySet()) {
      long bytes = item.getValue().elements() * type(item.getValue()).bytes();
      if (!current.isEmpty() && bytes > shardBytes - used) {
        shards.add(current);
        current = new LinkedHashMap<>();
        used = 0;
      }
      current.put(item.getKey(), item.getValue());
      used += bytes;
    }
    shards.add(current);
    return shards;
  }

  private DType type(Tensor tensor) {
    return tensor.dtype().floating() ? dtype.orElse(tensor.dtype()) : tensor.dtype();
  }

  private void writeShards(List<Map<String, Tensor>> shards, Path folder) throws IOException {
    Map<String, String> places = new TreeMap<>();
    long total = 0;
    for (int i = 0; i < shards.size(); i++) {
      String name =
          shards.size() == 1
              ? HuggingFaceFolder.WEIGHTS
              : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
      Map<String, Tensor> converted = new LinkedHashMap<>();
      shards.get(i).forEach((key, tensor) -> converted.put(key, converted(key, tensor)));
      SafeTensors.write(folder.resolve(name), converted, Map.of("format", "pt"));
      for (Map.Entry<String, Tensor> item : converted.entrySet()) {
        places.put(item.getKey(), name);
        total += item.getValue().bytes().remaining();
      }
    }
    if (shards.size() > 1) {
      Map<String, Object> index = new LinkedHashMap<>();
      index.put(HuggingFaceFolder.METADATA, Map.of(HuggingFaceFolder.TOTAL_SIZE, total));
      index.put(HuggingFaceFolder.WEIGHT_MAP, places);
      writeJson(folder.resolve(HuggingFaceFolder.INDEX), index);
    }
  }

  private Tensor converted(String name, Tensor tensor) {
    Tensor converted = tensor.dtype().floating() ? Precision.convert(tensor, type(tensor)) : tensor;
    if (Precision.overflowed(tensor, converted)) {
      throw new ValidationException(
          "element type " + converted.dtype() + " for this model",
          List.of(
              "tensor '"
                  + name
                  + "' holds values beyond its range; write "
                  + DType.BF16
                  + " or "
                  + DType.F32));
    }
    return converted;
  }
}
