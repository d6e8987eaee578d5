package io.athanor.backend.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Input;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Everything one native call needs, kept for the next call with tensors of the same shapes: then
 * only bytes are copied. Not thread-safe.
 */
abstract class Call implements AutoCloseable {
  private final InputRules rules;
  private final PtNDManager manager;
  private final List<List<HostTensor>> batches = new ArrayList<>();
  private final List<Map<String, Long>> sizes = new ArrayList<>();
  private final int threads;

  /**
   * @throws io.athanor.api.error.GraphException if a tensor is missing or does not fit
   */
  Call(
      InputRules rules,
      ThreadChoice choice,
      PtNDManager manager,
      List<Map<String, Tensor>> tensors,
      boolean training) {
    this.rules = rules;
    this.manager = manager;
    for (Map<String, Tensor> batch : tensors) {
      sizes.add(rules.sizes(batch, training));
      List<HostTensor> staged = new ArrayList<>();
      for (Input input : rules.inputs()) {
        Tensor tensor = Objects.requireNonNull(batch.get(input.name()));
        staged.add(HostTensor.zeros(manager, tensor.dtype(), tensor.shape()));
      }
      batches.add(staged);
    }
    threads = choice.of(sizes);
  }

  /** Threads for one operation. */
  int threads() {
    return threads;
  }

  PtNDManager manager() {
    return manager;
  }

  /** The values of the symbolic sizes in the first batch. */
  Map<String, Long> sizes() {
    return sizes.get(0);
  }

  /** The input tensors of all batches, one batch after the other. */
  List<PtNDArray> inputs() {
    return batches.stream().flatMap(List::stream).map(HostTensor::array).toList();
  }

  boolean fits(List<Map<String, Tensor>> tensors) {
    if (tensors.size() != batches.size()) {
      return false;
    }
    for (int i = 0; i < batches.size(); i++) {
      if (!rules.same(tensors.get(i), batches.get(i))) {
        return false;
      }
    }
    return true;
  }

  /**
   * Copies tensors in.
   *
   * @throws io.athanor.api.error.GraphException if an index lies outside its table
   */
  void load(List<Map<String, Tensor>> tensors) {
    for (int i = 0; i < batches.size(); i++) {
      List<HostTensor> staged = batches.get(i);
      for (int k = 0; k < staged.size(); k++) {
        staged.get(k).set(Objects.requireNonNull(tensors.get(i).get(rules.inputs().get(k).name())));
      }
      rules.requireIndices(staged);
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
