package io.athanor.backend.djl;

import ai.djl.pytorch.engine.PtNDManager;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;

/** Where the tensors of a model lie that stay from call to call: weights, gradients, moments. */
interface Placement {
  /** In Java's buffers, where the processor computes. */
  Placement HOST =
      new Placement() {
        @Override
        public NativeTensor zeros(PtNDManager manager, DType dtype, long... shape) {
          return HostTensor.zeros(manager, dtype, shape);
        }

        @Override
        public NativeTensor of(PtNDManager manager, Tensor tensor) {
          return HostTensor.of(manager, tensor);
        }

        @Override
        public NativeTensor copyOf(PtNDManager manager, Tensor tensor) {
          return HostTensor.copyOf(manager, tensor);
        }
      };

  NativeTensor zeros(PtNDManager manager, DType dtype, long... shape);

  /** The elements of a tensor, for reading only; themselves where that is possible. */
  NativeTensor of(PtNDManager manager, Tensor tensor);

  NativeTensor copyOf(PtNDManager manager, Tensor tensor);
}
