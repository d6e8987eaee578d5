package io.athanor.training.loop;

import io.athanor.api.backend.MicroBatch;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.Signature;
import io.athanor.api.graph.LossOp;
import java.nio.LongBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a batch gives to the loss. */
final class ScoredBatch {
  private ScoredBatch() {}

  /** Empty if no target counts in the loss, whatever the batch itself says of their number. */
  static Optional<MicroBatch> of(Batch batch) {
    return batch.scored() > 0 && !allIgnored(batch.tensors().get(Signature.TARGET))
        ? Optional.of(new MicroBatch(batch.tensors(), batch.scored()))
        : Optional.empty();
  }

  private static boolean allIgnored(@Nullable Tensor target) {
    if (target == null || target.dtype() != DType.I64) {
      return false;
    }
    LongBuffer ids = target.longBuffer();
    while (ids.hasRemaining()) {
      if (ids.get() != LossOp.IGNORED) {
        return false;
      }
    }
    return true;
  }
}
