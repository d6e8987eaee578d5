package io.athanor.model.format.gguf;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.Tensor;
import io.athanor.api.model.ExportFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Writes version 3 of the format, tensor by tensor, each at a multiple of 32 bytes. */
final class GgufWriter {
  private static final int VERSION = 3;
  private static final int ALIGNMENT = GgufFile.DEFAULT_ALIGNMENT;

  private final ByteArrayOutputStream header = new ByteArrayOutputStream();

  /**
   * A tensor to be written.
   *
   * @param shape slowest axis first
   * @param content gives the numbers when it is the tensor's turn
   */
  record Item(String name, TensorType type, List<Long> shape, Supplier<Tensor> content) {
    long bytes() {
      long elements = Tensor.elements(shape.stream().mapToLong(Long::longValue).toArray());
      return elements / type.blockElements() * type.blockBytes();
    }
  }

  private GgufWriter() {}

  /**
   * Checks the numbers and lays out a file.
   *
   * @param metadata texts, booleans, Long up to 2^32 as unsigned 32 bits, Float, and lists of
   *     texts, Long (as signed 32 bits) or Float
   * @throws io.athanor.api.error.ValidationException if a number is beyond the type of its tensor
   */
  static ExportFormat.Prepared prepared(Map<String, Object> metadata, List<Item> items) {
    items.stream()
        .filter(item -> item.type() != TensorType.F32)
        .forEach(item -> TensorEncoder.check(item.name(), item.type(), item.content().get()));
    GgufWriter writer = new GgufWriter();
    writer.number(GgufFile.MAGIC, Integer.BYTES);
    writer.number(VERSION, Integer.BYTES);
    writer.number(items.size(), Long.BYTES);
    writer.number(metadata.size(), Long.BYTES);
    metadata.forEach(
        (key, value) -> {
          writer.text(key);
          writer.number(kind(value), Integer.BYTES);
          writer.value(value);
        });
    writer.places(items);
    return file -> {
      AtomicFile.write(file, channel -> writer.write(channel, items));
      return List.of(file);
    };
  }

  private void write(FileChannel channel, List<Item> items) throws IOException {
    writeFully(channel, ByteBuffer.wrap(header.toByteArray()));
    pad(channel);
    for (Item item : items) {
      writeFully(channel, TensorEncoder.encode(item.type(), item.content().get()));
      pad(channel);
    }
  }

  private void places(List<Item> items) {
    long offset = 0;
    for (Item item : items) {
      text(item.name());
      number(item.shape().size(), Integer.BYTES);
      for (int axis = item.shape().size() - 1; axis >= 0; axis--) {
        number(item.shape().get(axis), Long.BYTES);
      }
      number(item.type().id(), Integer.BYTES);
      number(offset, Long.BYTES);
      offset += (item.bytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
  }

  private static int kind(Object value) {
    if (value instanceof Long) {
      return 4;
    }
    if (value instanceof Float) {
      return 6;
    }
    if (value instanceof Boolean) {
      return 7;
    }
    if (value instanceof String) {
      return 8;
    }
    if (value instanceof List) {
      return 9;
    }
    throw new IllegalArgumentException("metadata must not hold a " + value.getClass().getName());
  }

  private void value(Object value) {
    if (value instanceof Long number) {
      number(number, Integer.BYTES);
    } else if (value instanceof Float number) {
      number(Float.floatToIntBits(number), Integer.BYTES);
    } else if (value instanceof Boolean flag) {
      number(flag ? 1 : 0, 1);
    } else if (value instanceof String text) {
      text(text);
    } else if (value instanceof List<?> list) {
      boolean integers = !list.isEmpty() && list.get(0) instanceof Long;
      number(list.isEmpty() ? 8 : integers ? 5 : kind(list.get(0)), Integer.BYTES);
      number(list.size(), Long.BYTES);
      list.forEach(this::value);
    }
  }

  private void text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    number(bytes.length, Long.BYTES);
    header.writeBytes(bytes);
  }

  private void number(long number, int bytes) {
    header.write(
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(number).array(),
        0,
        bytes);
  }

  private static void pad(FileChannel channel) throws IOException {
    long over = channel.position() % ALIGNMENT;
    if (over > 0) {
      writeFully(channel, ByteBuffer.allocate((int) (ALIGNMENT - over)));
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
