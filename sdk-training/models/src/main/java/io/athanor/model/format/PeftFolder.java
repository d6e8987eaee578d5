package io.athanor.model.format;

import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.SafeTensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An adapter as a folder in the layout of Hugging Face's PEFT: {@code adapter_config.json} and
 * {@code adapter_model.safetensors}. LoRA (with rsLoRA, DoRA and modules saved as a whole) and
 * prompt tuning are understood. The digest of the base's weights, which PEFT does not know, lies in
 * the metadata of the safetensors file.
 */
public final class PeftFolder {
  static final String CONFIG = "adapter_config.json";
  static final String WEIGHTS = "adapter_model.safetensors";
  private static final String BASE_DIGEST = "athanor.base_sha256";
  private static final String MODEL = "base_model.";
  private static final String LORA_MODEL = "base_model.model.";

  private PeftFolder() {}

  /**
   * Writes an adapter.
   *
   * @param folder must be absent or empty
   * @throws ConflictException if there is something already; it is untouched
   * @throws StorageException if it cannot be written; nothing stays behind
   */
  public static void write(PeftAdapter adapter, Path folder) {
    String prefix = prefix(adapter.method());
    Map<String, Tensor> tensors = new TreeMap<>();
    adapter.tensors().forEach((name, tensor) -> tensors.put(fileName(prefix, name), tensor));
    Map<String, String> metadata = new TreeMap<>(Map.of("format", "pt"));
    adapter.baseDigest().ifPresent(digest -> metadata.put(BASE_DIGEST, digest.hex()));
    AtomicFolder.write(
        folder,
        temporary -> {
          Files.writeString(temporary.resolve(CONFIG), PeftConfig.write(adapter));
          SafeTensors.write(temporary.resolve(WEIGHTS), tensors, metadata);
        });
  }

  private static String prefix(PeftMethod method) {
    return method instanceof PeftMethod.LoraSettings ? LORA_MODEL : MODEL;
  }

  private static String fileName(String prefix, String name) {
    return name.equals(PeftMethod.PromptSettings.TENSOR) ? name : prefix + name;
  }

  /**
   * Reads an adapter. The tensors stay on disk, mapped into memory.
   *
   * @throws NotFoundException if the folder or one of its two files is missing
   * @throws FormatException if a file is malformed or cut off, or settings and tensors disagree
   * @throws UnsupportedException if it is pickled, or uses a method or setting that is not
   *     understood; names it
   * @throws StorageException if it cannot be read
   */
  public static PeftAdapter read(Path folder) {
    SourceFolder files = new SourceFolder(folder);
    Map<String, @Nullable Object> entries =
        files
            .object(CONFIG)
            .orElseThrow(
                () ->
                    new NotFoundException(
                        "file " + files.source(CONFIG),
                        files.names(),
                        "Name a folder that PEFT's save_pretrained has written"));
    if (!files.has(WEIGHTS) && files.unfinished().isEmpty()) {
      files.refuseOtherWeights();
    }
    SafeTensors content = files.tensors(WEIGHTS);
    PeftConfig config = new PeftConfig(files.source(CONFIG), entries);
    boolean lora = config.isLora();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    content
        .tensors()
        .forEach(
            (name, tensor) -> tensors.put(name(files, lora ? LORA_MODEL : MODEL, name), tensor));
    try {
      return config.adapter(folder.toString(), baseDigest(files, content), tensors);
    } catch (ValidationException | IllegalArgumentException e) {
      throw new FormatException(files.source(CONFIG), String.valueOf(e.getMessage()), e);
    }
  }

  private static String name(SourceFolder files, String prefix, String name) {
    if (name.equals(PeftMethod.PromptSettings.TENSOR)) {
      return name;
    }
    if (!name.startsWith(prefix)) {
      throw new FormatException(
          files.source(WEIGHTS),
          "expected names that begin with '" + prefix + "', got '" + name + "'");
    }
    if (Set.of("lora_embedding_A", "lora_embedding_B").contains(name.replaceFirst(".*\\.", ""))) {
      throw new UnsupportedException(
          "'" + name + "' adapts an embedding table",
          "Leave embedding tables out of target_modules; modules_to_save can train them whole");
    }
    return name.substring(prefix.length());
  }

  private static Optional<Digest> baseDigest(SourceFolder files, SafeTensors content) {
    try {
      return Optional.ofNullable(content.metadata().get(BASE_DIGEST)).map(Digest::new);
    } catch (IllegalArgumentException e) {
      throw new FormatException(
          files.source(WEIGHTS), "metadata '" + BASE_DIGEST + "': " + e.getMessage(), e);
    }
  }
}
