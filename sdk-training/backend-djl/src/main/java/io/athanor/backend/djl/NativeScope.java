package io.athanor.backend.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import java.util.HashSet;
import java.util.Set;

/** All native memory of one model, freed once. Holds no reference to the model. */
final class NativeScope implements AutoCloseable {
  private final NativeCalls calls;
  private final PtNDManager manager;
  private final Placement placement;
  private final Set<IValue> values = new HashSet<>();
  private boolean closed;

  NativeScope(NativeCalls calls, ComputeDevice device) {
    this.calls = calls;
    this.manager = (PtNDManager) NDManager.newBaseManager(Device.cpu(), LibTorch.ENGINE);
    this.placement = device.placement(calls, manager);
  }

  /** Where what stays from call to call lies. */
  Placement placement() {
    return placement;
  }

  PtNDManager manager() {
    return manager;
  }

  PtNDManager newManager() {
    return (PtNDManager) manager.newSubManager();
  }

  /** Frees a value with this scope at the latest. */
  IValue own(IValue value) {
    values.add(value);
    return value;
  }

  void free(IValue value) {
    values.remove(value);
    value.close();
  }

  synchronized boolean closed() {
    return closed;
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      calls.release(
          () -> {
            values.forEach(IValue::close);
            manager.close();
          });
    }
  }
}
