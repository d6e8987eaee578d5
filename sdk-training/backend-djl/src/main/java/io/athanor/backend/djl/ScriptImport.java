package io.athanor.backend.djl;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Weights;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * A TorchScript file, taken apart.
 *
 * @param weights the elements of its parameters, by name
 */
record ScriptImport(ForeignScript script, Weights weights) {
  private static final int MOST_ENTRIES = 100_000;

  /**
   * Reads a file; runs nothing.
   *
   * @throws FormatException if it is not what {@code torch.jit.save} writes
   */
  static ScriptImport read(Path file) {
    String source = file.toString();
    if (!Files.exists(file)) {
      throw new NotFoundException("file " + file, List.of(), "Check the path");
    }
    try (ZipFile zip = new ZipFile(file.toFile())) {
      if (zip.size() > MOST_ENTRIES) {
        throw new FormatException(
            source, "expected at most " + MOST_ENTRIES + " entries, got " + zip.size());
      }
      Map<String, ZipEntry> found = entries(source, zip);
      Map<String, byte[]> program = program(source, zip, found);
      Map<String, ForeignScript.Slot> slots = new ForeignScript(source, program).parameters();
      Set<String> apart =
          slots.values().stream()
              .map(slot -> ForeignScript.DATA + slot.storage())
              .collect(Collectors.toSet());
      long left = ForeignScript.LARGEST - program.values().stream().mapToLong(b -> b.length).sum();
      for (Map.Entry<String, ZipEntry> entry : found.entrySet()) {
        if (entry.getKey().startsWith(ForeignScript.DATA) && !apart.contains(entry.getKey())) {
          left = add(program, source, zip, entry, left);
        }
      }
      return new ScriptImport(
          new ForeignScript(source, program), weights(source, zip, found, slots));
    } catch (NoSuchFileException e) {
      throw new NotFoundException("file " + file, List.of(), "Check the path");
    } catch (ZipException e) {
      throw new FormatException(
          source, "not an archive of torch.jit.save (" + e.getMessage() + ")", e);
    } catch (IOException e) {
      throw new StorageException(source, "cannot be read (" + e + ")", e);
    }
  }

  /** By name within the archive's one folder. */
  private static Map<String, ZipEntry> entries(String source, ZipFile zip) {
    Map<String, ZipEntry> found = new TreeMap<>();
    for (ZipEntry entry : Collections.list(zip.entries())) {
      String name = entry.getName();
      int slash = name.indexOf('/');
      if (slash < 0 || found.put(name.substring(slash + 1), entry) != null) {
        throw new FormatException(
            source, "expected one folder with all entries, got the entry '" + name + "'");
      }
    }
    return found;
  }

  private static Map<String, byte[]> program(
      String source, ZipFile zip, Map<String, ZipEntry> found) throws IOException {
    Map<String, byte[]> program = new TreeMap<>();
    long left = ForeignScript.LARGEST;
    for (Map.Entry<String, ZipEntry> entry : found.entrySet()) {
      String name = entry.getKey();
      boolean code = name.startsWith("code/") && !name.endsWith(".debug_pkl");
      if (code
          || name.startsWith("constants/")
          || Set.of(ForeignScript.OBJECT, "constants.pkl", "version").contains(name)) {
        left = add(program, source, zip, entry, left);
      }
    }
    return program;
  }

  private static long add(
      Map<String, byte[]> program,
      String source,
      ZipFile zip,
      Map.Entry<String, ZipEntry> entry,
      long left)
      throws IOException {
    try (InputStream in = zip.getInputStream(entry.getValue())) {
      byte[] bytes = in.readNBytes((int) left + 1);
      if (bytes.length > left) {
        throw new UnsupportedException(
            source
                + ": more than "
                + ForeignScript.LARGEST
                + " bytes of code and of constants, such as "
                + entry.getKey(),
            "Keep large tensors as parameters or buffers in F32, and do not freeze the module");
      }
      program.put(entry.getKey(), bytes);
      return left - bytes.length;
    }
  }

  private static Weights weights(
      String source,
      ZipFile zip,
      Map<String, ZipEntry> found,
      Map<String, ForeignScript.Slot> slots)
      throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    long left = Files.size(Path.of(zip.getName()));
    for (Map.Entry<String, ForeignScript.Slot> item : slots.entrySet()) {
      ForeignScript.Slot slot = item.getValue();
      long size = slot.bytes();
      ZipEntry entry = found.get(ForeignScript.DATA + slot.storage());
      left -= size;
      if (left < 0
          || entry == null
          || entry.getSize() != size
          || entry.getMethod() != ZipEntry.STORED) {
        throw new FormatException(
            source,
            "expected "
                + size
                + " bytes, not compressed, for '"
                + item.getKey()
                + "', got "
                + entry);
      }
      ByteBuffer bytes = Tensor.allocate(DType.F32, slot.shape().elements());
      try (InputStream in = zip.getInputStream(entry)) {
        byte[] chunk = new byte[1 << 16];
        for (int n = in.read(chunk); n > 0; n = in.read(chunk)) {
          bytes.put(chunk, 0, n);
        }
      }
      tensors.put(
          item.getKey(), Tensor.of(DType.F32, bytes.flip(), slot.shape().resolve(Map.of())));
    }
    return Weights.of(tensors);
  }
}
