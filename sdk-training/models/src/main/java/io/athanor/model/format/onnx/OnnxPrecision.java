package io.athanor.model.format.onnx;

/** How the numbers of a written ONNX model are stored and multiplied. */
public enum OnnxPrecision {
  /** Single precision. */
  F32,
  /**
   * Linear layers multiply in 8 bits, symmetric: each column of a matrix has a scale of its own,
   * fixed when written, and each row of its input one that is found when run ("dynamic
   * quantisation"), so that rows do not depend on the others of their batch. Embeddings are kept in
   * 8 bits with a scale for each row. All else, recurrent layers and convolutions included, keeps
   * single precision. Evaluate the model in 8 bits before it is used.
   */
  INT8
}
