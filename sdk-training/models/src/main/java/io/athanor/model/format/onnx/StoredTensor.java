package io.athanor.model.format.onnx;

import io.athanor.api.common.Tensor;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Supplier;

/**
 * An initialiser to be written.
 *
 * @param content gives its little-endian elements when it is its turn
 */
record StoredTensor(String name, ElementType type, List<Long> shape, Supplier<ByteBuffer> content) {
  StoredTensor {
    shape = List.copyOf(shape);
  }

  long bytes() {
    return Tensor.elements(shape.stream().mapToLong(Long::longValue).toArray()) * type.bytes();
  }
}
