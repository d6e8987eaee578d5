package io.athanor.model.format.gguf;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.model.format.FloatConversion;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.function.LongUnaryOperator;

/** How a tensor of a GGUF file differs from the same tensor in a Hugging Face file. */
sealed interface Layout {
  Tensor toHuggingFace(Tensor tensor);

  Tensor toGguf(Tensor tensor);

  /** Whether a tensor of this shape, on either side, can lie so. */
  default boolean fits(List<Long> shape) {
    return true;
  }

  /** The shape in GGUF of a tensor of this shape. */
  default List<Long> ggufShape(List<Long> shape) {
    return shape;
  }

  /** No difference. */
  record Same() implements Layout {
    @Override
    public Tensor toHuggingFace(Tensor tensor) {
      return tensor;
    }

    @Override
    public Tensor toGguf(Tensor tensor) {
      return tensor;
    }
  }

  /**
   * Rows of queries or keys in the order of llama.cpp's rotary embedding, which turns neighbours
   * into each other; Hugging Face's turns the first half of a head into the second.
   *
   * @param heads divides the rows into heads of even size
   */
  record RotaryRows(int heads) implements Layout {
    @Override
    public Tensor toHuggingFace(Tensor tensor) {
      long head = tensor.size(0) / heads;
      return rows(
          tensor, row -> row / head * head + row % head % (head / 2) * 2 + row % head / (head / 2));
    }

    @Override
    public Tensor toGguf(Tensor tensor) {
      long head = tensor.size(0) / heads;
      return rows(tensor, row -> row / head * head + row % head % 2 * (head / 2) + row % head / 2);
    }

    @Override
    public boolean fits(List<Long> shape) {
      return !shape.isEmpty() && shape.get(0) % (2L * heads) == 0;
    }

    private static Tensor rows(Tensor tensor, LongUnaryOperator origin) {
      ByteBuffer from = tensor.bytes();
      ByteBuffer to = Tensor.allocate(tensor.dtype(), tensor.elements());
      int rows = (int) tensor.size(0);
      int row = from.remaining() / rows;
      for (int i = 0; i < rows; i++) {
        to.put(i * row, from, (int) origin.applyAsLong(i) * row, row);
      }
      return Tensor.of(tensor.dtype(), to, tensor.shape());
    }
  }

  /** Matrices of GPT-2, which Hugging Face keeps as [in, out]. */
  record Transposed() implements Layout {
    private static final int TILE = 32;

    @Override
    public Tensor toHuggingFace(Tensor tensor) {
      return transpose(tensor);
    }

    @Override
    public Tensor toGguf(Tensor tensor) {
      return transpose(tensor);
    }

    @Override
    public boolean fits(List<Long> shape) {
      return shape.size() == 2;
    }

    @Override
    public List<Long> ggufShape(List<Long> shape) {
      return List.of(shape.get(1), shape.get(0));
    }

    static Tensor transpose(Tensor tensor) {
      int rows = (int) tensor.size(0);
      int columns = (int) tensor.size(1);
      int size = tensor.dtype().bytes();
      ByteBuffer from = tensor.bytes();
      ByteBuffer to = Tensor.allocate(tensor.dtype(), tensor.elements());
      for (int top = 0; top < rows; top += TILE) {
        for (int left = 0; left < columns; left += TILE) {
          for (int i = top; i < Math.min(rows, top + TILE); i++) {
            for (int j = left; j < Math.min(columns, left + TILE); j++) {
              int source = (i * columns + j) * size;
              int target = (j * rows + i) * size;
              if (size == Long.BYTES) {
                to.putLong(target, from.getLong(source));
              } else if (size == Float.BYTES) {
                to.putInt(target, from.getInt(source));
              } else {
                to.putShort(target, from.getShort(source));
              }
            }
          }
        }
      }
      return Tensor.of(tensor.dtype(), to, columns, rows);
    }
  }

  /** Gemma's norms, which Hugging Face keeps less 1. */
  record PlusOne() implements Layout {
    @Override
    public Tensor toHuggingFace(Tensor tensor) {
      return add(tensor, -1);
    }

    @Override
    public Tensor toGguf(Tensor tensor) {
      return add(tensor, 1);
    }

    private static Tensor add(Tensor tensor, float amount) {
      Tensor single = FloatConversion.convert(tensor, DType.F32);
      ByteBuffer to = Tensor.allocate(DType.F32, single.elements());
      FloatBuffer from = single.floatBuffer();
      FloatBuffer sums = to.asFloatBuffer();
      while (from.hasRemaining()) {
        sums.put(from.get() + amount);
      }
      return Tensor.of(DType.F32, to, single.shape());
    }
  }
}
