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
import java.util.Objects;
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
    requireHeld(model);
    AtomicFolder.write(folder, temporary -> fill(model, temporary));
  }

  /**
   * Checks that the chosen type can hold a model's numbers; writes nothing.
   *
   * @throws ValidationException if a value is beyond its range
   * @throws UnsupportedException if it makes a tensor of 2 GiB or more
   */
  public void requireHeld(PretrainedModel model) {
    if (dtype.isPresent()) {
      model.tensors().forEach(this::converted);
    }
  }

  private void fill(PretrainedModel model, Path folder) throws IOException {
    DType type = writeShards(model, shards(model), folder);
    writeJson(folder.resolve(HuggingFaceFolder.CONFIG), config(model, type));
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
  }

  private static void writeJson(Path file, Map<?, ?> entries) throws IOException {
    Files.writeString(
        file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(entries) + "\n");
  }

  private static Map<String, @Nullable Object> config(PretrainedModel model, DType type) {
    Map<String, @Nullable Object> config = new LinkedHashMap<>(model.config());
    config.remove(PretrainedModel.GENERATION);
    config.remove("dtype");
    // The name that releases before and after the change to "dtype" understand.
    config.put("torch_dtype", torchName(type));
    return config;
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

  /** The names in each shard; the tensors themselves may be loaded one at a time. */
  private List<List<String>> shards(PretrainedModel model) {
    List<List<String>> shards = new ArrayList<>();
    List<String> current = new ArrayList<>();
    long used = 0;
    for (Map.Entry<String, Tensor> item : model.tensors().entrySet()) {
      Tensor tensor = item.getValue();
      long bytes = tensor.elements() * type(tensor).bytes();
      if (!current.isEmpty() && bytes > shardBytes - used) {
        shards.add(current);
        current = new ArrayList<>();
        used = 0;
      }
      current.add(item.getKey());
      used += bytes;
    }
    shards.add(current);
    return shards;
  }

  private DType type(Tensor tensor) {
    return tensor.dtype().floating() ? dtype.orElse(tensor.dtype()) : tensor.dtype();
  }

  /**
   * Writes the tensors and, for more than one shard, the index.
   *
   * @return the floating-point type that most elements have
   */
  private DType writeShards(PretrainedModel model, List<List<String>> shards, Path folder)
      throws IOException {
    Map<String, String> places = new TreeMap<>();
    Map<DType, Long> elements = new EnumMap<>(DType.class);
    long total = 0;
    for (int i = 0; i < shards.size(); i++) {
      String name =
          shards.size() == 1
              ? HuggingFaceFolder.WEIGHTS
              : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
      Map<String, Tensor> shard = new LinkedHashMap<>();
      for (String key : shards.get(i)) {
        Tensor tensor = converted(key, Objects.requireNonNull(model.tensors().get(key)));
        shard.put(key, tensor);
        places.put(key, name);
        total += tensor.bytes().remaining();
        if (tensor.dtype().floating()) {
          elements.merge(tensor.dtype(), tensor.elements(), Long::sum);
        }
      }
      SafeTensors.write(folder.resolve(name), shard, Map.of("format", "pt"));
    }
    if (shards.size() > 1) {
      Map<String, Object> index = new LinkedHashMap<>();
      index.put(HuggingFaceFolder.METADATA, Map.of(HuggingFaceFolder.TOTAL_SIZE, total));
      index.put(HuggingFaceFolder.WEIGHT_MAP, places);
      writeJson(folder.resolve(HuggingFaceFolder.INDEX), index);
    }
    return elements.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(DType.F32);
  }

  private Tensor converted(String name, Tensor tensor) {
    Tensor converted =
        tensor.dtype().floating() ? FloatConversion.convert(tensor, type(tensor)) : tensor;
    if (FloatConversion.overflowed(tensor, converted)) {
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

  /** What it writes. */
  @Override
  public String toString() {
    return "Hugging Face folder" + dtype.map(type -> ", " + type).orElse("");
  }
}
