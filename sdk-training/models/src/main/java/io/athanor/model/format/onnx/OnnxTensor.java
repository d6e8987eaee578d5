package io.athanor.model.format.onnx;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A {@code TensorProto}: its numbers lie raw in the file, or as a list of their type.
 *
 * @param name may be empty, as in attributes
 */
record OnnxTensor(String name, Tensor tensor) {
  private static final int MAX_RANK = 64;
  private static final int FLOAT = 1;
  private static final int INT64 = 7;
  private static final int FLOAT16 = 10;
  private static final int BFLOAT16 = 16;

  static OnnxTensor read(String source, ProtobufMessage message) {
    List<Long> shape = new ArrayList<>();
    String name = "";
    int type = 0;
    ByteBuffer raw = null;
    ByteBuffer floats = null;
    ByteBuffer integers = null;
    boolean external = false;
    while (message.next()) {
      switch (message.field()) {
        case 1 -> addAll(shape, message);
        case 2 -> type = (int) message.integer();
        case 4 -> floats = joined(floats, packedFloats(message));
        case 5 -> {
          if (type == FLOAT16 || type == BFLOAT16) {
            throw unsupported(source, name, "half-precision numbers in a list of integers");
          }
        }
        case 7 -> integers = joined(integers, packedIntegers(message));
        case 8 -> name = message.text();
        case 9 -> raw = message.bytes();
        case 13 -> external = true;
        case 14 -> external |= message.integer() == 1;
        default -> {}
      }
    }
    if (external) {
      throw unsupported(source, name, "its numbers in another file");
    }
    DType dtype =
        switch (type) {
          case FLOAT -> DType.F32;
          case INT64 -> DType.I64;
          case FLOAT16 -> DType.F16;
          case BFLOAT16 -> DType.BF16;
          default -> throw unsupported(source, name, "the ONNX element type " + type);
        };
    ByteBuffer list = dtype == DType.I64 ? integers : dtype == DType.F32 ? floats : null;
    ByteBuffer bytes = raw != null ? raw : list != null ? list : ByteBuffer.allocate(0);
    long[] sizes = shape.stream().mapToLong(Long::longValue).toArray();
    try {
      return new OnnxTensor(name, Tensor.of(dtype, bytes, sizes));
    } catch (IllegalArgumentException e) {
      throw new FormatException(source, "initializer '" + name + "': " + e.getMessage());
    }
  }

  private static void addAll(List<Long> shape, ProtobufMessage message) {
    if (message.packed()) {
      ByteBuffer packed = message.bytes();
      while (packed.hasRemaining() && shape.size() <= MAX_RANK) {
        shape.add(message.varint(packed));
      }
    } else {
      shape.add(message.integer());
    }
    if (shape.size() > MAX_RANK) {
      throw message.fail("a tensor has more than " + MAX_RANK + " axes");
    }
  }

  private static ByteBuffer packedFloats(ProtobufMessage message) {
    if (message.packed()) {
      return message.bytes();
    }
    return buffer(Float.BYTES).putFloat(0, message.single());
  }

  private static ByteBuffer packedIntegers(ProtobufMessage message) {
    if (!message.packed()) {
      return buffer(Long.BYTES).putLong(0, message.integer());
    }
    ByteBuffer packed = message.bytes();
    int count = 0;
    for (int i = 0; i < packed.limit(); i++) {
      count += packed.get(i) >= 0 ? 1 : 0;
    }
    if ((long) count * Long.BYTES > Integer.MAX_VALUE) {
      throw message.fail("a list of " + count + " integers is too long");
    }
    ByteBuffer wide = buffer(count * Long.BYTES);
    for (int i = 0; i < count; i++) {
      wide.putLong(i * Long.BYTES, message.varint(packed));
    }
    return wide;
  }

  private static ByteBuffer joined(@Nullable ByteBuffer first, ByteBuffer second) {
    if (first == null) {
      return second;
    }
    return buffer(Math.addExact(first.remaining(), second.remaining()))
        .put(first)
        .put(second)
        .flip();
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static UnsupportedException unsupported(String source, String name, String what) {
    return new UnsupportedException(
        source + ": initializer '" + name + "' has " + what,
        "Export the model in single precision as one file, without quantisation");
  }
}
