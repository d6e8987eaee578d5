package io.athanor.backend.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;

/** Everything native calls of one shape need: tokens in, logits out. Not thread-safe. */
final class DecoderCall implements AutoCloseable {
  private final NativeScope scope;
  private final PtNDManager manager;
  private final HostTensor tokens;
  private final HostTensor logits;
  private final List<HostTensor> held = new ArrayList<>();
  private final IValue inputs;
  private final IValue padding;
  private final IValue outputs;

  /**
   * @param length tokens of each row
   * @param padded slots before the first token of each row
   */
  DecoderCall(NativeScope scope, int length, int vocabulary, int[] padded, List<Tensor> rowInputs) {
    this.scope = scope;
    this.manager = scope.newManager();
    int rows = padded.length;
    tokens = HostTensor.zeros(manager, DType.I64, rows, length);
    logits = HostTensor.zeros(manager, DType.F32, rows, vocabulary);
    held.add(tokens);
    rowInputs.forEach(tensor -> held.add(HostTensor.copyOf(manager, tensor)));
    inputs = scope.own(Program.list(held.stream().map(HostTensor::array).toList()));
    outputs = scope.own(Program.list(List.of(logits.array())));
    List<PtNDArray> paddings = new ArrayList<>();
    long sum = 0;
    HostTensor longs = HostTensor.zeros(manager, DType.I64, rows);
    for (int i = 0; i < rows; i++) {
      longs.bytes().putLong(i * Long.BYTES, padded[i]);
      sum += padded[i];
    }
    if (sum > 0) {
      held.add(longs);
      paddings.add(longs.array());
    }
    padding = scope.own(Program.list(paddings));
  }

  /** The tokens, to be written row by row. */
  LongBuffer tokens() {
    return tokens.bytes().asLongBuffer();
  }

  /**
   * @param end slots after the call
   */
  Tensor run(Program program, String method, int end) {
    try (IValue slots = IValue.from((long) end)) {
      program.run(method, slots, inputs, padding, outputs);
    }
    return logits.copy();
  }

  @Override
  public void close() {
    scope.free(inputs);
    scope.free(padding);
    scope.free(outputs);
    manager.close();
  }
}
