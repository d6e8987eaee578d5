package io.athanor.model.format;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.model.SafeTensors;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A model as a folder in the layout of Hugging Face's transformers: {@code config.json}, the
 * weights as one safetensors file or as shards with an index, and, where the model has them, {@code
 * generation_config.json}, {@code tokenizer.json}, {@code tokenizer_config.json}, {@code
 * special_tokens_map.json} and {@code chat_template.jinja}.
 *
 * <p>Reading trusts nothing: sizes are bounded, names may not leave the folder, and an index must
 * agree with its shards. The weights stay on disk, mapped into memory, so leave the files alone
 * while the model is in use. Nothing in the folder is ever executed; pickled weights are refused.
 */
public final class HuggingFaceFolder {
  static final String CONFIG = "config.json";
  static final String GENERATION = "generation_config.json";
  static final String WEIGHTS = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  static final String TOKENIZER = "tokenizer.json";
  static final String TOKENIZER_CONFIG = "tokenizer_config.json";
  static final String SPECIAL_TOKENS = "special_tokens_map.json";
  static final String CHAT_TEMPLATE_FILE = "chat_template.jinja";
  static final String CHAT_TEMPLATE = "chat_template";
  static final String WEIGHT_MAP = "weight_map";
  static final String METADATA = "metadata";
  static final String TOTAL_SIZE = "total_size";
  private static final String CONTENT = "content";
  private static final Set<String> ROLES =
      Set.of(
          "bos_token",
          "eos_token",
          "pad_token",
          "unk_token",
          "cls_token",
          "sep_token",
          "mask_token");

  private HuggingFaceFolder() {}

  /**
   * Writes a model in the element types it has, in shards of at most 5 GB.
   *
   * @param folder must be absent or empty
   * @throws ConflictException if there is something already; it is untouched
   * @throws StorageException if it cannot be written; nothing stays behind
   * @see #writer()
   */
  public static void write(PretrainedModel model, Path folder) {
    writer().write(model, folder);
  }

  /** A writer whose shard size and element type can be chosen. */
  public static HuggingFaceWriter writer() {
    return new HuggingFaceWriter();
  }

  /**
   * Reads a model.
   *
   * @throws NotFoundException if the folder, {@code config.json} or weights are missing
   * @throws FormatException if a file is malformed, cut off or only a pointer, or if index and
   *     shards disagree
   * @throws UnsupportedException if the weights are pickled, quantised or of another format, or the
   *     folder holds an adapter
   * @throws StorageException if it cannot be read
   */
  public static PretrainedModel read(Path folder) {
    SourceFolder files = new SourceFolder(folder);
    Map<String, @Nullable Object> config = config(files);
    Map<String, @Nullable Object> settings =
        files.object(TOKENIZER_CONFIG).orElseGet(LinkedHashMap::new);
    return new PretrainedModel(
        folder.toString(),
        config,
        tensors(files),
        files.text(TOKENIZER),
        files.text(CHAT_TEMPLATE_FILE).or(() -> chatTemplate(files, settings)),
        specialTokens(files, settings));
  }

  private static Map<String, @Nullable Object> config(SourceFolder files) {
    Optional<Map<String, @Nullable Object>> found = files.object(CONFIG);
    if (found.isEmpty()) {
      if (files.has(PeftFolder.CONFIG)) {
        throw new UnsupportedException(
            files.path() + " holds an adapter, not a model",
            "Read it with PeftFolder, and the model it was made for with HuggingFaceFolder");
      }
      files.refuseOtherWeights();
      throw new NotFoundException(
          "file " + files.source(CONFIG),
          files.names(),
          "Copy it from the model's origin; it says which architecture the weights are for");
    }
    if (found.get().get("quantization_config") != null) {
      throw new UnsupportedException(
          files.path() + " holds quantised weights (quantization_config in config.json)",
          "Take the original weights, or a GGUF file of the model");
    }
    Map<String, @Nullable Object> config = new LinkedHashMap<>(found.get());
    files
        .object(GENERATION)
        .ifPresent(generation -> config.put(PretrainedModel.GENERATION, generation));
    return config;
  }

  private static Map<String, Tensor> tensors(SourceFolder files) {
    if (files.has(WEIGHTS)) {
      return usable(files.tensors(WEIGHTS), files);
    }
    Optional<Map<String, @Nullable Object>> index = files.object(INDEX);
    if (index.isPresent()) {
      return sharded(files, index.get());
    }
    if (files.unfinished().isEmpty()) {
      files.refuseOtherWeights();
      throw new NotFoundException(
          WEIGHTS + " or " + INDEX + " in " + files.path(),
          files.names(),
          "Download the weights in the safetensors format");
    }
    return usable(files.tensors(WEIGHTS), files);
  }

  private static Map<String, Tensor> usable(SafeTensors content, SourceFolder files) {
    return new UsableTensors(files.path().toString(), content.tensors(), content.others());
  }

  private static Map<String, Tensor> sharded(
      SourceFolder files, Map<String, @Nullable Object> index) {
    Map<String, Set<String>> listed = listed(files, index);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<String, SafeTensors.Other> others = new LinkedHashMap<>();
    listed.forEach(
        (shard, names) -> {
          SafeTensors content = files.tensors(shard);
          Set<String> found = new TreeSet<>(content.tensors().keySet());
          found.addAll(content.others().keySet());
          requireSame(files, shard, names, found);
          tensors.putAll(content.tensors());
          others.putAll(content.others());
        });
    SafeTensors all = new SafeTensors(tensors, others, Map.of());
    requireSize(files, index, all);
    return usable(all, files);
  }

  /** The names that the index expects, by shard. */
  private static Map<String, Set<String>> listed(
      SourceFolder files, Map<String, @Nullable Object> index) {
    if (!(index.get(WEIGHT_MAP) instanceof Map<?, ?> map) || map.isEmpty()) {
      throw new FormatException(
          files.source(INDEX), "expected an object '" + WEIGHT_MAP + "' from tensors to files");
    }
    Map<String, Set<String>> listed = new TreeMap<>();
    map.forEach(
        (tensor, shard) -> {
          if (!(shard instanceof String name) || !name.matches("\\w[\\w.-]*\\.safetensors")) {
            throw new FormatException(
                files.source(INDEX),
                "tensor '"
                    + tensor
                    + "' must lie in a safetensors file of this folder, got '"
                    + shard
                    + "'");
          }
          listed.computeIfAbsent(name, key -> new TreeSet<>()).add((String) tensor);
        });
    return listed;
  }

  private static void requireSame(
      SourceFolder files, String shard, Set<String> listed, Set<String> found) {
    Set<String> missing = new TreeSet<>(listed);
    missing.removeAll(found);
    Set<String> surplus = new TreeSet<>(found);
    surplus.removeAll(listed);
    if (!missing.isEmpty() || !surplus.isEmpty()) {
      throw new FormatException(
          files.source(shard),
          INDEX
              + (missing.isEmpty()
                  ? " does not list its tensor '" + surplus.iterator().next() + "'"
                  : " lists the tensor '" + missing.iterator().next() + "', which is not in it")
              + "; index and shards must come from the same version of the model, so download"
              + " both again");
    }
  }

  private static void requireSize(
      SourceFolder files, Map<String, @Nullable Object> index, SafeTensors all) {
    if (index.get(METADATA) instanceof Map<?, ?> metadata
        && metadata.get(TOTAL_SIZE) instanceof Number size) {
      long found =
          all.tensors().values().stream().mapToLong(t -> t.bytes().remaining()).sum()
              + all.others().values().stream().mapToLong(SafeTensors.Other::bytes).sum();
      if (size.doubleValue() > found) {
        throw new FormatException(
            files.source(INDEX),
            "expected shards with "
                + size
                + " bytes of tensors, got "
                + found
                + "; download the"
                + " model again");
      }
    }
  }

  /** A text, or the text named default in a list of named ones, or the only one. */
  private static Optional<String> chatTemplate(
      SourceFolder files, Map<String, @Nullable Object> settings) {
    Object template = settings.get(CHAT_TEMPLATE);
    if (template == null) {
      return Optional.empty();
    }
    if (template instanceof String text) {
      return Optional.of(text);
    }
    Map<String, String> named = new LinkedHashMap<>();
    if (template instanceof List<?> list) {
      for (Object item : list) {
        if (item instanceof Map<?, ?> map
            && map.get("name") instanceof String name
            && map.get("template") instanceof String text) {
          named.put(name, text);
        }
      }
    }
    if (named.isEmpty()) {
      throw new FormatException(
          files.source(TOKENIZER_CONFIG),
          "'" + CHAT_TEMPLATE + "' must be a text or a list of objects with name and template");
    }
    return Optional.ofNullable(
        named.size() == 1 ? named.values().iterator().next() : named.get("default"));
  }

  private static Map<String, String> specialTokens(
      SourceFolder files, Map<String, @Nullable Object> settings) {
    Map<String, String> tokens = new TreeMap<>();
    files
        .object(SPECIAL_TOKENS)
        .ifPresent(map -> collectTokens(files.source(SPECIAL_TOKENS), map, tokens));
    collectTokens(files.source(TOKENIZER_CONFIG), settings, tokens);
    return tokens;
  }

  private static void collectTokens(
      String source, Map<String, @Nullable Object> from, Map<String, String> to) {
    for (String role : ROLES) {
      Object token = from.get(role);
      Object text = token instanceof Map<?, ?> map ? map.get(CONTENT) : token;
      if (text instanceof String content) {
        to.put(role, content);
      } else if (token != null) {
        throw new FormatException(
            source, "'" + role + "' must be a text or an object with '" + CONTENT + "'");
      }
    }
  }
}
