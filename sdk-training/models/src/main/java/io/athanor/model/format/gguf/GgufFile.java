package io.athanor.model.format.gguf;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a GGUF file holds, with its own names: the metadata, and where each tensor lies. The whole
 * header is checked before anything is used; the tensors' bytes are mapped one tensor at a time.
 * Immutable and thread-safe.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">The format</a>
 */
final class GgufFile {
  static final int MAGIC = 0x46554747;
  static final int DEFAULT_ALIGNMENT = 32;
  static final String ALIGNMENT = "general.alignment";
  private static final int MAX_TENSORS = 1 << 18;
  private static final int MAX_NAME = 1024;
  private static final int MAX_RANK = 4;
  private static final int MAX_ALIGNMENT = 1 << 20;

  private final Path path;
  private final Metadata metadata;
  private final Map<String, Entry> tensors;

  /**
   * A tensor's place.
   *
   * @param shape slowest axis first, the reverse of the file's order
   * @param offset in the file
   * @param bytes its length there
   */
  record Entry(String name, TensorType type, List<Long> shape, long offset, long bytes) {
    long[] sizes() {
      return shape.stream().mapToLong(Long::longValue).toArray();
    }
  }

  private GgufFile(Path path, Metadata metadata, Map<String, Entry> tensors) {
    this.path = path;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  static GgufFile read(Path path) {
    String source = path.toString();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      HeaderInput in = new HeaderInput(source, channel);
      checkVersion(source, in);
      int tensorCount = in.count("the number of tensors", 24, MAX_TENSORS);
      int entries =
          in.count(
              "the number of metadata entries",
              MetadataReader.entryBytes(),
              MetadataReader.maxEntries());
      Metadata metadata = new Metadata(source, new MetadataReader(in).read(entries));
      int alignment = alignment(metadata);
      List<Entry> relative = new ArrayList<>();
      for (int i = 0; i < tensorCount; i++) {
        relative.add(entry(source, in, i, alignment));
      }
      long start = (in.position() + alignment - 1) / alignment * alignment;
      return new GgufFile(path, metadata, placed(source, relative, start, channel.size()));
    } catch (NoSuchFileException e) {
      throw new NotFoundException("file " + source, List.of(), "Check the path");
    } catch (IOException e) {
      throw new StorageException(source, "cannot be read (" + e + ")", e);
    }
  }

  private static void checkVersion(String source, HeaderInput in) throws IOException {
    if (in.i32("the first four bytes") != MAGIC) {
      throw new FormatException(
          source, "it does not begin with 'GGUF'; this is not a GGUF file, or a damaged one");
    }
    int version = in.i32("the version");
    if (version != 0 && (version & 0xffff) == 0) {
      throw new UnsupportedException(
          source + ": the file is big-endian", "Take the little-endian version of the model");
    }
    if (version < 1) {
      throw new FormatException(
          source, "the version is " + Integer.toUnsignedString(version) + ", expected 2 or 3");
    }
    if (version != 2 && version != 3) {
      throw new UnsupportedException(
          source + ": GGUF version " + version + ", and 2 and 3 can be read",
          "Convert the model anew with a current llama.cpp");
    }
  }

  private static int alignment(Metadata metadata) {
    int alignment = metadata.optional(ALIGNMENT).isPresent() ? metadata.integer(ALIGNMENT) : 0;
    if (metadata.optional(ALIGNMENT).isPresent()
        && (alignment < 1 || alignment > MAX_ALIGNMENT || Integer.bitCount(alignment) != 1)) {
      throw metadata.fail(ALIGNMENT, "a power of two up to " + MAX_ALIGNMENT, alignment);
    }
    return alignment == 0 ? DEFAULT_ALIGNMENT : alignment;
  }

  private static Entry entry(String source, HeaderInput in, int index, int alignment)
      throws IOException {
    String name = in.text("the name of tensor " + index, MAX_NAME);
    int rank = in.i32("the rank of tensor '" + name + "'");
    if (rank < 0 || rank > MAX_RANK) {
      throw fail(source, name, "expected at most " + MAX_RANK + " axes, got " + rank);
    }
    long[] shape = new long[rank];
    for (int axis = rank - 1; axis >= 0; axis--) {
      shape[axis] = in.i64("the shape of tensor '" + name + "'");
      if (shape[axis] < 1) {
        throw fail(source, name, "expected axes of at least 1, got " + shape[axis]);
      }
    }
    TensorType type = TensorType.of(in.i32("the type of tensor '" + name + "'"), source, name);
    long offset = in.i64("the offset of tensor '" + name + "'");
    if (offset < 0 || offset % alignment != 0) {
      throw fail(
          source,
          name,
          "its offset must be a multiple of "
              + alignment
              + ", got "
              + Long.toUnsignedString(offset));
    }
    return new Entry(
        name,
        type,
        Arrays.stream(shape).boxed().toList(),
        offset,
        bytes(source, name, type, shape));
  }

  private static long bytes(String source, String name, TensorType type, long[] shape) {
    long row = shape.length == 0 ? 1 : shape[shape.length - 1];
    if (row % type.blockElements() != 0) {
      throw fail(
          source,
          name,
          "rows of " + row + " do not divide into " + type + " blocks of " + type.blockElements());
    }
    try {
      return Math.multiplyExact(
          Tensor.elements(shape) / type.blockElements(), (long) type.blockBytes());
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw fail(source, name, "its shape is too large");
    }
  }

  /** Turns offsets into places in the file, which must lie within it and not overlap. */
  private static Map<String, Entry> placed(
      String source, List<Entry> relative, long start, long size) {
    Map<String, Entry> tensors = new LinkedHashMap<>();
    for (Entry entry : relative) {
      if (entry.bytes() > size - start || entry.offset() > size - start - entry.bytes()) {
        throw fail(
            source,
            entry.name(),
            "needs "
                + entry.bytes()
                + " bytes from "
                + entry.offset()
                + " on, but the file has only "
                + Math.max(0, size - start)
                + " bytes of data; it may be cut off: download it again");
      }
      Entry placed =
          new Entry(
              entry.name(), entry.type(), entry.shape(), start + entry.offset(), entry.bytes());
      if (tensors.put(entry.name(), placed) != null) {
        throw fail(source, entry.name(), "is listed twice");
      }
    }
    List<Entry> ordered = new ArrayList<>(tensors.values());
    ordered.sort(Comparator.comparingLong(Entry::offset));
    for (int i = 1; i < ordered.size(); i++) {
      Entry before = ordered.get(i - 1);
      if (before.offset() + before.bytes() > ordered.get(i).offset()) {
        throw fail(source, ordered.get(i).name(), "overlaps tensor '" + before.name() + "'");
      }
    }
    return Collections.unmodifiableMap(tensors);
  }

  private static FormatException fail(String source, String tensor, String problem) {
    return new FormatException(source, "tensor '" + tensor + "': " + problem);
  }

  String source() {
    return path.toString();
  }

  Metadata metadata() {
    return metadata;
  }

  /** Where each tensor lies, in the file's order. */
  Map<String, Entry> tensors() {
    return tensors;
  }

  /**
   * A tensor's numbers: a view of the file where the engine knows the type, else converted, which
   * costs memory on every call.
   */
  Tensor tensor(Entry entry) {
    long[] shape = entry.sizes();
    if (entry.bytes() > Integer.MAX_VALUE
        || (entry.type().quantized() && Tensor.elements(shape) > Integer.MAX_VALUE / 4)) {
      throw new UnsupportedException(
          source() + ": tensor '" + entry.name() + "' takes 2 GiB or more in memory",
          "Take a smaller model, or one whose vocabulary is smaller");
    }
    ByteBuffer bytes = map(entry);
    return switch (entry.type()) {
      case F32 -> Tensor.of(DType.F32, bytes, shape);
      case F16 -> Tensor.of(DType.F16, bytes, shape);
      case BF16 -> Tensor.of(DType.BF16, bytes, shape);
      case I64 -> Tensor.of(DType.I64, bytes, shape);
      case I32 -> widened(bytes, shape);
      default -> Dequantizer.dequantize(entry.type(), bytes, shape);
    };
  }

  /** Whether two tensors are there and hold the same bytes. */
  boolean same(String one, String other) {
    Entry first = tensors.get(one);
    Entry second = tensors.get(other);
    return first != null
        && second != null
        && first.type() == second.type()
        && first.shape().equals(second.shape())
        && first.bytes() <= Integer.MAX_VALUE
        && map(first).equals(map(second));
  }

  private static Tensor widened(ByteBuffer integers, long... shape) {
    ByteBuffer wide = Tensor.allocate(DType.I64, Tensor.elements(shape));
    while (integers.hasRemaining()) {
      wide.putLong(integers.getInt());
    }
    return Tensor.of(DType.I64, wide.flip(), shape);
  }

  private ByteBuffer map(Entry entry) {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      if (channel.size() < entry.offset() + entry.bytes()) {
        throw fail(source(), entry.name(), "the file became shorter since it was opened");
      }
      return channel
          .map(FileChannel.MapMode.READ_ONLY, entry.offset(), entry.bytes())
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new StorageException(source(), "cannot be read any more (" + e + ")", e);
    }
  }
}
