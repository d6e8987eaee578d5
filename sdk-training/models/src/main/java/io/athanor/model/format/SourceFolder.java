package io.athanor.model.format;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.model.SafeTensors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A folder that somebody else wrote or downloaded, read with suspicion. */
record SourceFolder(Path path) {
  private static final long LARGEST_TEXT = 256L << 20;
  private static final String LARGE_FILE_POINTER = "version https://git-lfs.github.com/spec/";
  private static final String UNFINISHED = ".*\\.(incomplete|part|partial|crdownload|aria2)";
  private static final Path DOWNLOADS = Path.of(".cache", "huggingface", "download");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TypeReference<Map<String, @Nullable Object>> ENTRIES =
      new TypeReference<>() {};

  SourceFolder {
    if (!Files.isDirectory(path)) {
      throw new NotFoundException(
          "folder " + path,
          List.of(),
          Files.exists(path) ? "Name the folder that holds this file" : "Check the path");
    }
  }

  boolean has(String name) {
    return Files.isRegularFile(path.resolve(name));
  }

  /** A file of this folder, as it is named in errors. */
  String source(String name) {
    return path.resolve(name).toString();
  }

  /** The names of the files in the folder itself, sorted. */
  List<String> names() {
    return names(path);
  }

  private List<String> names(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    } catch (IOException e) {
      throw new StorageException(folder.toString(), "cannot be read (" + e + ")", e);
    }
  }

  /** Files that a download has begun and not finished. */
  List<String> unfinished() {
    List<String> names = new ArrayList<>(names());
    Path downloads = path.resolve(DOWNLOADS);
    if (Files.isDirectory(downloads)) {
      names(downloads).forEach(name -> names.add(DOWNLOADS.resolve(name).toString()));
    }
    return names.stream().filter(name -> name.matches(UNFINISHED)).toList();
  }

  /**
   * A text file.
   *
   * @return empty if there is no such file
   * @throws FormatException if it is too large, not UTF-8, or a pointer to a file kept elsewhere
   */
  Optional<String> text(String name) {
    Path file = path.resolve(name);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      if (Files.size(file) > LARGEST_TEXT) {
        throw new FormatException(
            source(name),
            "expected a text of at most " + LARGEST_TEXT + " bytes, got " + Files.size(file));
      }
      requireContent(name);
      return Optional.of(Files.readString(file));
    } catch (CharacterCodingException e) {
      throw new FormatException(source(name), "the text is not UTF-8", e);
    } catch (IOException e) {
      throw new StorageException(source(name), "cannot be read (" + e + ")", e);
    }
  }

  /**
   * A file that holds a JSON object, as maps, lists, texts, numbers, booleans and nulls.
   *
   * @return empty if there is no such file
   * @throws FormatException if it holds something else, or a number that is not finite
   */
  Optional<Map<String, @Nullable Object>> object(String name) {
    return text(name).map(text -> entries(JsonFields.tree(source(name), text), source(name)));
  }

  private static Map<String, @Nullable Object> entries(JsonNode json, String source) {
    new JsonFields(source, "", json);
    Map<String, @Nullable Object> entries = JSON.convertValue(json, ENTRIES);
    try {
      return PretrainedModel.frozen("entry", entries);
    } catch (IllegalArgumentException e) {
      throw new FormatException(source, String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * A safetensors file, mapped into memory.
   *
   * @throws NotFoundException if there is no such file
   * @throws FormatException if it is damaged, cut off, or a pointer to a file kept elsewhere
   */
  SafeTensors tensors(String name) {
    if (!has(name)) {
      List<String> unfinished = unfinished();
      throw new NotFoundException(
          "file " + source(name),
          List.of(),
          unfinished.isEmpty()
              ? "Download it; the folder is not complete without it"
              : "A download has not finished (" + String.join(", ", unfinished) + "); repeat it");
    }
    try {
      requireContent(name);
      return SafeTensors.read(path.resolve(name));
    } catch (FormatException e) {
      List<String> unfinished = unfinished();
      String remedy =
          unfinished.isEmpty()
              ? "If it was downloaded, compare its size with the origin's and download it again"
              : "A download has not finished (" + String.join(", ", unfinished) + "); repeat it";
      throw new FormatException(e.source(), problem(e) + ". " + remedy, e);
    } catch (IOException e) {
      throw new StorageException(source(name), "cannot be read (" + e + ")", e);
    }
  }

  private static String problem(FormatException e) {
    String prefix = e.source() + ": ";
    String message = e.getMessage();
    return message.startsWith(prefix) ? message.substring(prefix.length()) : message;
  }

  private void requireContent(String name) throws IOException {
    byte[] pointer = LARGE_FILE_POINTER.getBytes(StandardCharsets.US_ASCII);
    try (InputStream in = Files.newInputStream(path.resolve(name))) {
      if (Arrays.equals(in.readNBytes(pointer.length), pointer)) {
        throw new FormatException(
            source(name),
            "this is a Git LFS pointer, not the file itself; run 'git lfs pull' in the"
                + " folder, or download the file");
      }
    }
  }

  /**
   * Refuses a folder whose weights are of another kind.
   *
   * @throws UnsupportedException naming the kind and the remedy
   */
  void refuseOtherWeights() {
    for (String name : names()) {
      if (name.endsWith(".gguf")) {
        throw new UnsupportedException(
            source(name) + " is a GGUF file, and a Hugging Face folder keeps safetensors",
            "Read that file itself with the GGUF reader");
      }
      if (name.matches(".*\\.(bin|pt|pth|pkl|pickle|ckpt)")) {
        throw new UnsupportedException(
            source(name) + " is a Python pickle, which can run any program when it is read",
            "Take the origin's safetensors files, or convert it where you trust it with"
                + " from_pretrained(..).save_pretrained(.., safe_serialization=True)");
      }
      if (name.matches(".*\\.(h5|msgpack|onnx)")) {
        throw new UnsupportedException(
            source(name) + " is not in the safetensors format",
            "Take the origin's safetensors files, or convert it with transformers");
      }
    }
  }
}
