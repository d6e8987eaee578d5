package io.athanor.model.format.gguf;

import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ExportFormat;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.PretrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Models in GGUF, the format of llama.cpp, of the architectures llama (also Mistral, SmolLM,
 * TinyLlama), qwen2, qwen3, gemma, gemma2 and gpt2.
 *
 * <p>Reading gives the names, shapes, configuration and tokenizer that the same model has in a
 * Hugging Face folder. Nothing in the file is trusted: every size is compared with the file's
 * length before memory is taken for it. Tensors are loaded when the map is asked for them, each
 * time anew: those of 32 or 16 bits share pages with the file (which must therefore not be cut
 * short in place, only replaced), quantised ones are converted to single precision.
 *
 * <p>All methods are thread-safe.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">The format</a>
 */
public final class Gguf {
  private static final String SPLITS = "split.count";
  private static final String OUTPUT = "output.weight";
  private static final String EMBEDDING = "token_embd.weight";

  /** What old checkpoints keep besides their parameters. */
  private static final List<String> BUFFERS =
      List.of(".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias");

  private Gguf() {}

  /**
   * Reads a model with the tokenizer that the file holds, if it holds one.
   *
   * @throws FormatException if the content is not what the format promises; says where
   * @throws UnsupportedException if the architecture, a tensor's type or the kind of tokenizer is
   *     not known
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static PretrainedModel read(Path file) {
    GgufFile gguf = GgufFile.read(file);
    return read(gguf, Vocabularies.toJson(gguf.metadata()));
  }

  /**
   * Reads a model, and takes the tokenizer from elsewhere: for kinds of vocabulary that cannot be
   * read from GGUF.
   *
   * @param tokenizerJson a {@code tokenizer.json}
   * @throws FormatException if the content is not what the format promises; says where
   * @throws UnsupportedException if the architecture or a tensor's type is not known
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static PretrainedModel read(Path file, Path tokenizerJson) {
    GgufFile gguf = GgufFile.read(file);
    try {
      String text = Files.readString(tokenizerJson);
      JsonFields.parse(tokenizerJson.toString(), text);
      return read(gguf, Optional.of(text));
    } catch (NoSuchFileException e) {
      throw new NotFoundException("file " + tokenizerJson, List.of(), "Check the path");
    } catch (IOException e) {
      throw new StorageException(tokenizerJson.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static PretrainedModel read(GgufFile file, Optional<String> tokenizer) {
    Metadata metadata = file.metadata();
    if (metadata.integer(SPLITS, 1) > 1) {
      throw new UnsupportedException(
          file.source() + ": one of " + metadata.integer(SPLITS) + " parts of a model",
          "Join them with llama-gguf-split --merge");
    }
    Family family = Families.ofArchitecture(metadata.text("general.architecture"), file.source());
    Map<String, @Nullable Object> config = new LinkedHashMap<>(family.config(file));
    ConfigEntries entries = new ConfigEntries(file.source(), config);
    GgufFile.Entry embedding = file.tensors().get(EMBEDDING);
    if (embedding == null || embedding.shape().size() != 2) {
      throw new FormatException(
          file.source(), "expected a matrix '" + EMBEDDING + "', got " + embedding);
    }
    config.put("vocab_size", Math.toIntExact(embedding.shape().get(0)));
    boolean tied = !file.tensors().containsKey(OUTPUT) || file.same(EMBEDDING, OUTPUT);
    config.put("tie_word_embeddings", tied);
    if (metadata.has(Vocabulary.TOKENS)) {
      VocabularyRoles.ids(metadata, metadata.texts(Vocabulary.TOKENS).size())
          .forEach((role, id) -> config.put(role + "_id", id));
    }
    Map<String, Supplier<Tensor>> tensors = tensors(file, family, entries);
    return new PretrainedModel(
        file.source(),
        config,
        new LoadedTensors(tensors),
        tokenizer,
        metadata.optionalText(Vocabularies.CHAT_TEMPLATE),
        Vocabularies.specialTokens(metadata));
  }

  private static Map<String, Supplier<Tensor>> tensors(
      GgufFile file, Family family, ConfigEntries config) {
    Family.Heads heads = family.heads(config);
    Map<String, Supplier<Tensor>> tensors = new LinkedHashMap<>();
    Set<Integer> layers = new TreeSet<>();
    for (GgufFile.Entry entry : file.tensors().values()) {
      if (family.configures(entry.name()) || (entry.name().equals(OUTPUT) && family.tied(config))) {
        continue;
      }
      String name =
          family
              .names()
              .toHuggingFace(entry.name())
              .orElseThrow(
                  () ->
                      new UnsupportedException(
                          file.source()
                              + ": "
                              + family.architecture()
                              + " with a tensor '"
                              + entry.name()
                              + "'",
                          "Take the model's Hugging Face folder instead"));
      Layout layout = family.layout(entry.name(), heads);
      if (!layout.fits(entry.shape())) {
        throw new FormatException(
            file.source(),
            "tensor '"
                + entry.name()
                + "' has the shape "
                + entry.shape()
                + ", which does not"
                + " fit the attention heads of the metadata");
      }
      layers.add(TensorNames.layer(entry.name()));
      tensors.put(name, () -> layout.toHuggingFace(file.tensor(entry)));
    }
    layers.remove(-1);
    int last = layers.isEmpty() ? -1 : Collections.max(layers);
    if (layers.size() != family.layers(config) || last != layers.size() - 1) {
      throw new FormatException(
          file.source(),
          "the metadata promises "
              + family.layers(config)
              + " layers, but there are tensors for layers "
              + layers);
    }
    return tensors;
  }

  /**
   * The format for {@link io.athanor.api.model.Export}. It holds decoders that generate text and
   * have Hugging Face's configuration; not other tasks, adapters that are not merged, settings that
   * readers of GGUF do not know, tokenizers that are not BPE, or numbers beyond the precision.
   *
   * @param precision of the matrices
   */
  public static ExportFormat format(GgufPrecision precision) {
    return ExportFormat.of(
        "GGUF, " + precision, model -> prepared(Pretrained.published(model), precision));
  }

  /**
   * Writes a model whole or not at all. Tensors that GGUF does not keep (an output that is tied to
   * the embedding, buffers) are left out.
   *
   * @param file is replaced if there is one
   * @param precision of the matrices
   * @throws UnsupportedException if GGUF cannot hold the architecture, one of its settings or the
   *     tokenizer; says which and why
   * @throws FormatException if the configuration lacks an entry or the tokenizer does not fit
   * @throws ValidationException if tensors are missing or of the wrong shape, or hold numbers that
   *     the precision cannot
   * @throws StorageException if it cannot be written
   */
  public static void write(Path file, PretrainedModel model, GgufPrecision precision) {
    prepared(model, precision).writeTo(file);
  }

  private static ExportFormat.Prepared prepared(PretrainedModel model, GgufPrecision precision) {
    ConfigEntries config = new ConfigEntries(model.source(), model.config());
    Family family = Families.ofModelType(config.text("model_type"), model.source());
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", family.architecture());
    metadata.put("general.type", "model");
    metadata.put("general.name", name(model.source()));
    metadata.put("general.file_type", precision.fileType());
    metadata.put("general.quantization_version", 2L);
    family
        .metadata(config)
        .forEach((key, value) -> metadata.put(family.architecture() + "." + key, value));
    List<GgufWriter.Item> items = items(model, family, config, precision);
    int rows = rows(model, items);
    metadata.put(family.architecture() + ".vocab_size", (long) rows);
    metadata.putAll(Vocabularies.metadata(model, rows));
    return GgufWriter.prepared(metadata, items);
  }

  private static String name(String source) {
    String name = source.substring(Math.max(source.lastIndexOf('/'), source.lastIndexOf('\\')) + 1);
    return name.isEmpty() ? source : name;
  }

  private static int rows(PretrainedModel model, List<GgufWriter.Item> items) {
    return items.stream()
        .filter(item -> item.name().equals(EMBEDDING) && item.shape().size() == 2)
        .mapToInt(item -> Math.toIntExact(item.shape().get(0)))
        .findFirst()
        .orElseThrow(
            () ->
                new ValidationException(
                    "model " + model.source(), List.of("it has no matrix of token embeddings")));
  }

  private static List<GgufWriter.Item> items(
      PretrainedModel model, Family family, ConfigEntries config, GgufPrecision precision) {
    Map<String, GgufWriter.Item> items = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    for (String key : model.tensors().keySet()) {
      Tensor tensor = Optional.ofNullable(model.tensors().get(key)).orElseThrow();
      Optional<String> known = family.names().toGguf(family.fullName(key));
      if (known.isEmpty()) {
        if (BUFFERS.stream().noneMatch(key::endsWith)) {
          problems.add("GGUF's " + family.architecture() + " has no tensor '" + key + "'");
        }
        continue;
      }
      String name = known.get();
      if (family.tied(config) && name.equals(OUTPUT)) {
        continue;
      }
      Optional<String> refusal = family.refusal(name, config);
      if (refusal.isPresent()) {
        problems.add(
            "tensor '" + key + "': llama.cpp's " + family.architecture() + " " + refusal.get());
        continue;
      }
      List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
      Layout layout = family.layout(name, family.heads(config));
      if (!tensor.dtype().floating() || tensor.elements() == 0 || !layout.fits(shape)) {
        problems.add("tensor '" + key + "' must not be " + tensor);
        continue;
      }
      Supplier<Tensor> content =
          () -> layout.toGguf(Optional.ofNullable(model.tensors().get(key)).orElseThrow());
      GgufWriter.Item item = item(name, layout.ggufShape(shape), content, precision);
      if (items.put(name, item) != null) {
        problems.add("tensor '" + key + "' occurs twice");
      }
    }
    GgufWriter.Item embedding = items.get(EMBEDDING);
    if (embedding != null && family.tied(config) && family.copiesTiedOutput()) {
      items.put(OUTPUT, item(OUTPUT, embedding.shape(), embedding.content(), precision));
    }
    family
        .configuring(config)
        .forEach(
            (name, tensor) ->
                items.put(name, item(name, List.of(tensor.elements()), () -> tensor, precision)));
    problems.addAll(missing(family, config, items.keySet()));
    if (!problems.isEmpty()) {
      throw new ValidationException("model for GGUF, " + model.source(), problems);
    }
    return List.copyOf(items.values());
  }

  private static GgufWriter.Item item(
      String name, List<Long> shape, Supplier<Tensor> content, GgufPrecision precision) {
    return new GgufWriter.Item(name, precision.typeOf(name, shape), shape, content);
  }

  private static List<String> missing(Family family, ConfigEntries config, Set<String> names) {
    List<String> needed = new ArrayList<>(List.of(EMBEDDING, "output_norm.weight"));
    if (!family.tied(config)) {
      needed.add(OUTPUT);
    }
    long layers =
        names.stream().mapToInt(TensorNames::layer).filter(n -> n >= 0).distinct().count();
    if (layers != family.layers(config)) {
      return List.of(
          "the configuration promises "
              + family.layers(config)
              + " layers, but there are tensors for "
              + layers);
    }
    for (int layer = 0; layer < layers; layer++) {
      for (String stem : family.names().layerStems()) {
        needed.add(stem.replace("#", String.valueOf(layer)) + ".weight");
      }
    }
    return needed.stream()
        .filter(name -> !names.contains(name))
        .map(name -> "tensor '" + family.names().toHuggingFace(name).orElse(name) + "' is missing")
        .toList();
  }
}
