package io.athanor.training.tuning;

import io.athanor.api.common.Tensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/** Tensors of one shape as one with a further axis in front, and back. */
final class Stacks {
  private Stacks() {}

  static Tensor stack(List<Tensor> parts) {
    Tensor first = parts.get(0);
    ByteBuffer bytes = Tensor.allocate(first.dtype(), first.elements() * parts.size());
    parts.forEach(part -> bytes.put(part.bytes()));
    long[] shape =
        LongStream.concat(LongStream.of(parts.size()), Arrays.stream(first.shape())).toArray();
    return Tensor.of(first.dtype(), bytes.flip(), shape);
  }

  /** One of the parts; shares the memory. */
  static Tensor part(Tensor stack, int index) {
    long[] shape = Arrays.copyOfRange(stack.shape(), 1, stack.rank());
    int size = Math.toIntExact(Tensor.elements(shape) * stack.dtype().bytes());
    return Tensor.of(stack.dtype(), stack.bytes().slice(index * size, size), shape);
  }
}
