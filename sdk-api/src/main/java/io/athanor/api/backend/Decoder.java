package io.athanor.api.backend;

import io.athanor.api.common.Tensor;
import java.util.List;
import java.util.Map;

/**
 * A causal language model that remembers what it has read, so that each further token costs one
 * native call over that token alone. Not thread-safe: one caller at a time, but any thread.
 */
public interface Decoder extends AutoCloseable {
  /**
   * Forgets everything and reads the beginning of some sequences, which may differ in length.
   *
   * @param prompts ids for each row; at least one row, at least one id in each
   * @param capacity most tokens a row will have, its prompt included
   * @param rowInputs further inputs of the graph, with one element for each row
   * @return logits of the token after each prompt, F32 {@code [rows, vocabulary]}
   * @throws io.athanor.api.error.GraphException if an id is outside the vocabulary, an input is
   *     missing, or the capacity is too small or beyond the model's table of positions
   */
  Tensor begin(List<int[]> prompts, int capacity, Map<String, Tensor> rowInputs);

  /**
   * Reads one more token of each row.
   *
   * @return logits of the token after it, F32 {@code [rows, vocabulary]}
   * @throws io.athanor.api.error.GraphException if an id is outside the vocabulary, or the capacity
   *     is used up
   * @throws IllegalStateException before {@link #begin}
   */
  Tensor next(int[] tokens);

  /**
   * Goes on with some of the rows only.
   *
   * @param rows indices of the rows to keep, in their new order; may repeat
   */
  void keep(int[] rows);

  /**
   * Writes one adapter into the stacks of every {@link io.athanor.api.graph.LayerOp.AdapterLinear},
   * for the calls that follow. What has been read stays as it is, so a row that goes through this
   * adapter should begin anew. The weights that the decoder was made with do not change.
   *
   * @param adapter index on the first axis of every stack
   * @param entries by stack, F32, of its shape without the first axis; stacks without an entry get
   *     zeros
   * @throws io.athanor.api.error.GraphException if the graph has no such operation, or an entry
   *     does not fit; then nothing is written
   */
  void replaceAdapter(int adapter, Map<String, Tensor> entries);

  /** Frees native memory; twice is fine. */
  @Override
  void close();
}
