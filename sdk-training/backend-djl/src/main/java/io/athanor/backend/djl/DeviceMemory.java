package io.athanor.backend.djl;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * The memory of a device that Java does not see. What stays there is copied here and nowhere else;
 * batches and results travel inside the program, as {@link Target} writes it. A copy is done when
 * the call returns, so nothing is left to wait for.
 */
final class DeviceMemory implements Placement {
  private static final String COPY =
      """
      class Program(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def copy(self: __torch__.Program, to: Tensor, source: Tensor) -> int:
          torch.copy_(to, source)
          return 0
      """;

  private final NativeCalls calls;
  private final PtNDManager owner;
  private final Device device;
  private final Program program;

  /**
   * @param owner of the program that copies, and of buffers on the way
   */
  DeviceMemory(NativeCalls calls, PtNDManager owner, Device device) {
    this.calls = calls;
    this.owner = owner;
    this.device = device;
    this.program = new Program(owner, new ProgramWriter.Text(COPY, List.of(), false));
  }

  @Override
  public NativeTensor zeros(PtNDManager manager, DType dtype, long... shape) {
    DataType type = dtype == DType.I64 ? DataType.INT64 : DataType.FLOAT32;
    return new DeviceTensor(
        dtype,
        JniUtils.createZerosNdArray(manager, new Shape(shape), type, device, SparseFormat.DENSE),
        shape);
  }

  @Override
  public NativeTensor of(PtNDManager manager, Tensor tensor) {
    return copyOf(manager, tensor);
  }

  @Override
  public NativeTensor copyOf(PtNDManager manager, Tensor tensor) {
    NativeTensor copy = zeros(manager, tensor.dtype(), tensor.shape());
    copy.set(tensor);
    return copy;
  }

  private void copy(PtNDArray to, PtNDArray source) {
    calls.run(
        () -> {
          try (IValue first = IValue.from(to);
              IValue second = IValue.from(source)) {
            program.run("copy", first, second);
          }
          return device;
        });
  }

  private final class DeviceTensor extends NativeTensor {
    DeviceTensor(DType dtype, PtNDArray array, long... shape) {
      super(dtype, array, shape);
    }

    @Override
    NativeTensor part(PtNDManager manager, long first, long... size) {
      long last = first + Tensor.elements(size);
      try (PtNDArray slice = JniUtils.slice(array(), 0, first, last, 1)) {
        PtNDArray part = JniUtils.reshape(slice, size);
        part.attach(manager);
        return new DeviceTensor(dtype(), part, size);
      }
    }

    @Override
    void set(Tensor tensor) {
      try (PtNDManager way = (PtNDManager) owner.newSubManager()) {
        DeviceMemory.this.copy(array(), HostTensor.of(way, tensor).array());
      }
    }

    @Override
    Tensor copy() {
      try (PtNDManager way = (PtNDManager) owner.newSubManager()) {
        HostTensor host = HostTensor.zeros(way, dtype(), shape());
        DeviceMemory.this.copy(host.array(), array());
        return Tensor.of(dtype(), host.bytes(), shape());
      }
    }

    @Override
    public String toString() {
      return dtype() + Arrays.toString(shape()) + " on " + device;
    }
  }
}
