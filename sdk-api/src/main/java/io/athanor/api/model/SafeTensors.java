package io.athanor.api.model;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The safetensors file format: eight bytes that give the length of a JSON header, the header, and
 * the tensors' bytes one after the other. Reading maps the tensors into memory without a copy; it
 * trusts nothing in the file and allocates nothing for a claim it has not checked against the
 * file's length. Tensors have less than 2 GiB each and the element types of {@link DType}; those of
 * the format's other types are only listed.
 *
 * @param tensors by name, in the header's order
 * @param others tensors whose numbers cannot be read here, by name
 * @param metadata texts that belong to the file as a whole
 * @see <a href="https://github.com/huggingface/safetensors#format">The format</a>
 */
public record SafeTensors(
    Map<String, Tensor> tensors, Map<String, Other> others, Map<String, String> metadata) {
  /** The reference implementation's limit. */
  private static final long MAX_HEADER = 100_000_000;

  /**
   * A tensor of an element type that is not one of {@link DType}.
   *
   * @param type the format's name of it, such as {@code BOOL} or {@code F8_E4M3}
   * @param bytes its length
   */
  public record Other(String type, long bytes) {}

  public SafeTensors {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    others = Collections.unmodifiableMap(new LinkedHashMap<>(others));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /**
   * Writes a file whole or not at all, tensor by tensor.
   *
   * @param tensors by name, written in the map's order
   * @param metadata may be empty
   * @throws StorageException if it cannot be written
   */
  public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
    byte[] header = SafeTensorsHeader.bytes(tensors, metadata);
    if (header.length > MAX_HEADER) {
      throw new IllegalArgumentException(
          "names and metadata must fit " + MAX_HEADER + " bytes, got " + header.length);
    }
    AtomicFile.write(
        file,
        channel -> {
          ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
          writeFully(channel, length.putLong(0, header.length));
          writeFully(channel, ByteBuffer.wrap(header));
          for (Tensor tensor : tensors.values()) {
            writeFully(channel, tensor.bytes());
          }
        });
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /**
   * Reads a file. The tensors share pages with the file, so replace a file that may be in use by
   * {@link #write}, which leaves the old content alone, and never cut it short in place.
   *
   * @throws FormatException if the content is not what the format promises; says where
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static SafeTensors read(Path file) {
    String source = file.toString();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      long length = headerLength(source, channel, size);
      ByteBuffer head = ByteBuffer.allocate((int) length);
      readFully(channel, head, Long.BYTES);
      long start = Long.BYTES + length;
      SafeTensorsHeader header = SafeTensorsHeader.parse(source, head.flip(), size - start);
      Region data = data(channel, start, size - start);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      Map<String, Other> others = new LinkedHashMap<>();
      for (Map.Entry<String, SafeTensorsHeader.Entry> item : header.entries().entrySet()) {
        SafeTensorsHeader.Entry entry = item.getValue();
        Optional<DType> dtype = entry.dtype();
        if (dtype.isPresent()) {
          tensors.put(item.getKey(), tensor(source, item.getKey(), dtype.get(), entry, data));
        } else {
          others.put(item.getKey(), new Other(entry.type(), entry.to() - entry.from()));
        }
      }
      return new SafeTensors(tensors, others, header.metadata());
    } catch (NoSuchFileException e) {
      throw new NotFoundException("file " + source, List.of(), "Check the path");
    } catch (EOFException e) {
      throw new FormatException(source, "the file became shorter while it was read", e);
    } catch (IOException e) {
      throw new StorageException(source, "cannot be read (" + e + ")", e);
    }
  }

  /**
   * Reads the tensors of a file of which none may be of another element type than those of {@link
   * DType}.
   *
   * @throws FormatException if one is, or the content is not what the format promises; says where
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static Map<String, Tensor> readTensors(Path file) {
    SafeTensors content = read(file);
    content
        .others()
        .forEach(
            (name, other) -> {
              throw new FormatException(
                  file.toString(),
                  "tensor '"
                      + name
                      + "' must have one of the element types "
                      + Arrays.toString(DType.values())
                      + ", got "
                      + other.type()
                      + "; the file is of another program or a newer version");
            });
    return content.tensors();
  }

  private static long headerLength(String source, FileChannel channel, long size)
      throws IOException {
    if (size < Long.BYTES) {
      throw new FormatException(
          source, "expected at least 8 bytes, got " + size + "; this is not a safetensors file");
    }
    ByteBuffer first = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, first, 0);
    long length = first.getLong(0);
    if (length < 2 || length > MAX_HEADER || length > size - Long.BYTES) {
      throw new FormatException(
          source,
          "the header claims "
              + Long.toUnsignedString(length)
              + " bytes, expected 2 to "
              + Math.max(2, Math.min(MAX_HEADER, size - Long.BYTES))
              + "; the file is cut off or not a safetensors file");
    }
    return length;
  }

  private static void readFully(FileChannel channel, ByteBuffer into, long from)
      throws IOException {
    long at = from;
    while (into.hasRemaining()) {
      int n = channel.read(into, at);
      if (n < 0) {
        throw new EOFException();
      }
      at += n;
    }
  }

  /** The bytes behind the header, mapped into memory. */
  @FunctionalInterface
  private interface Region {
    ByteBuffer bytes(long from, long size) throws IOException;
  }

  /** One mapping where the data fits a buffer, else one for each tensor; systems limit them. */
  private static Region data(FileChannel channel, long start, long size) throws IOException {
    if (size > Integer.MAX_VALUE) {
      return (from, part) -> map(channel, start + from, part);
    }
    ByteBuffer whole = map(channel, start, size);
    return (from, part) -> whole.slice((int) from, (int) part);
  }

  private static ByteBuffer map(FileChannel channel, long from, long size) throws IOException {
    return size == 0
        ? ByteBuffer.allocate(0)
        : channel.map(FileChannel.MapMode.READ_ONLY, from, size);
  }

  private static Tensor tensor(
      String source, String name, DType dtype, SafeTensorsHeader.Entry entry, Region data)
      throws IOException {
    long bytes = entry.to() - entry.from();
    if (bytes > Integer.MAX_VALUE) {
      throw new FormatException(
          source,
          "tensor '" + name + "' has " + bytes + " bytes, and one tensor holds less than 2 GiB");
    }
    long[] shape = entry.shape().stream().mapToLong(Long::longValue).toArray();
    return Tensor.of(dtype, data.bytes(entry.from(), bytes), shape);
  }
}
