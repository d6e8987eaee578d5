package io.athanor.model.format.gguf;

import java.util.List;

/**
 * How the matrices of a written GGUF file are stored. Vectors, such as norms and biases, and the
 * embedding of positions keep single precision.
 */
public enum GgufPrecision {
  /** Single precision. */
  F32(TensorType.F32, 0),
  /** Half precision. */
  F16(TensorType.F16, 1),
  /**
   * Eight bits with one scale for 32 neighbours. Matrices whose rows are not a multiple of 32 get
   * half precision.
   */
  Q8_0(TensorType.Q8_0, 7);

  private final TensorType type;
  private final long fileType;

  GgufPrecision(TensorType type, long fileType) {
    this.type = type;
    this.fileType = fileType;
  }

  /** The value of {@code general.file_type}. */
  long fileType() {
    return fileType;
  }

  TensorType typeOf(String name, List<Long> shape) {
    if (shape.size() < 2 || name.startsWith("position_embd") || name.startsWith("token_types")) {
      return TensorType.F32;
    }
    boolean divides = shape.get(shape.size() - 1) % type.blockElements() == 0;
    return divides ? type : TensorType.F16;
  }
}
