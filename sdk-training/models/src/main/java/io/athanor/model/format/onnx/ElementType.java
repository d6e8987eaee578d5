package io.athanor.model.format.onnx;

/** Element types of written tensors, as {@code TensorProto.DataType} numbers them. */
enum ElementType {
  FLOAT(1, 4),
  UINT8(2, 1),
  INT64(7, 8),
  BOOL(9, 1);

  private final int id;
  private final int bytes;

  ElementType(int id, int bytes) {
    this.id = id;
    this.bytes = bytes;
  }

  long id() {
    return id;
  }

  int bytes() {
    return bytes;
  }
}
