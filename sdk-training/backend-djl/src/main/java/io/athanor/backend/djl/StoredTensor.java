package io.athanor.backend.djl;

import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Shape;
import java.util.List;
import java.util.Optional;

/**
 * A tensor in the pickle of a TorchScript archive.
 *
 * @param storage name of its elements
 * @param whole whether it is these elements, all of them in order, in F32
 * @param trained whether it asks for a gradient
 */
record StoredTensor(String storage, boolean whole, Shape shape, boolean trained) {
  private static final String REBUILD = "_rebuild_tensor_v2";

  /** The tensor that a value is, if it is one. */
  static Optional<StoredTensor> of(String source, Object value) {
    if (!(value instanceof PickleReader.Call call)
        || !(call.function() instanceof PickleReader.Name function)
        || !function.name().equals(REBUILD)
        || !(call.arguments() instanceof List<?> arguments)
        || arguments.size() < 5
        || !(arguments.get(0) instanceof PickleReader.Reference reference)
        || !(reference.what() instanceof List<?> storage)
        || storage.size() < 5
        || !(storage.get(1) instanceof PickleReader.Name type)) {
      return Optional.empty();
    }
    if (!"cpu".equals(storage.get(3))) {
      throw new UnsupportedException(
          source + ": tensors on the device " + storage.get(3),
          "Call cpu() on the module before it is saved");
    }
    Optional<long[]> shape = sizes(arguments.get(2));
    boolean whole =
        type.name().equals("FloatStorage")
            && Long.valueOf(0).equals(arguments.get(1))
            && shape.isPresent()
            && Long.valueOf(elements(shape.get())).equals(storage.get(4))
            && contiguous(shape.get(), sizes(arguments.get(3)).orElse(new long[0]));
    return Optional.of(
        new StoredTensor(
            String.valueOf(storage.get(2)),
            whole,
            whole ? Shape.of(shape.orElseThrow()) : Shape.SCALAR,
            Boolean.TRUE.equals(arguments.get(4))));
  }

  private static Optional<long[]> sizes(Object value) {
    return value instanceof List<?> list && list.stream().allMatch(each -> each instanceof Long)
        ? Optional.of(list.stream().mapToLong(each -> (Long) each).toArray())
        : Optional.empty();
  }

  /** How many there are; 0 if one size is not above 0, or if they are too many for a tensor. */
  private static long elements(long[] shape) {
    long elements = 1;
    for (long size : shape) {
      if (size < 1 || size > Integer.MAX_VALUE / Float.BYTES / elements) {
        return 0;
      }
      elements *= size;
    }
    return elements;
  }

  private static boolean contiguous(long[] shape, long[] strides) {
    long stride = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      if (axis >= strides.length || (shape[axis] > 1 && strides[axis] != stride)) {
        return false;
      }
      stride *= shape[axis];
    }
    return elements(shape) > 0;
  }
}
