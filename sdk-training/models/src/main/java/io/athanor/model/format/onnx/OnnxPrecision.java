package io.athanor.model.format.onnx;

/** How the numbers of a written ONNX model are stored and multiplied. */
public enum OnnxPrecision {
  /** Single precision. */
  F32,
  /**
   * Linear layers multiply in 8 bits: each column of a matrix has a scale of its own, fixed when
   * written, and activations get one scale for the whole batch when run ("dynamic quantisation"). A
   * row's result therefore depends a little on the other rows of its batch. All else, embeddings
   * and recurrent layers included, keeps single precision.
   */
  INT8
}
