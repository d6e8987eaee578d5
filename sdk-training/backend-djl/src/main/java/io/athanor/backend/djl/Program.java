package io.athanor.backend.djl;

import ai.djl.ndarray.NDList;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import io.athanor.api.error.BackendException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Collection;
import java.util.List;

/** A loaded TorchScript class. Not thread-safe. */
final class Program implements AutoCloseable {
  private final PtSymbolBlock block;
  private final boolean recording;

  Program(PtNDManager manager, ProgramWriter.Text text) {
    recording = text.recording();
    byte[] archive = ScriptArchive.write(text);
    try {
      block = JniUtils.loadModule(manager, new ByteArrayInputStream(archive), false, false);
    } catch (IOException e) {
      throw new BackendException("djl", "the program of a graph cannot be loaded: " + e, e);
    }
  }

  /** Sets the list attributes, in the order of the program's {@code bind}. */
  void bind(List<? extends Collection<PtNDArray>> lists) {
    IValue[] values = lists.stream().map(Program::list).toArray(IValue[]::new);
    run("bind", values);
    for (IValue value : values) {
      value.close();
    }
  }

  static IValue list(Collection<PtNDArray> arrays) {
    return IValue.listFrom(arrays.toArray(PtNDArray[]::new));
  }

  /** Whether its methods that compute gradients need {@link #train}. */
  boolean recording() {
    return recording;
  }

  /** Runs a method without autograd; results go into tensors among the arguments. */
  void run(String method, IValue... arguments) {
    call(method, arguments).close();
  }

  /** Runs a method without autograd; the caller closes the result. */
  IValue call(String method, IValue... arguments) {
    return IValueUtils.runMethod(block, method, arguments);
  }

  /**
   * Runs a method under autograd; results go into tensors among the arguments.
   *
   * @param arguments end with an array that names the method, as {@link IValueUtils} reads it
   */
  void train(NDList arguments) {
    IValueUtils.forward(block, arguments, true).close();
  }

  @Override
  public void close() {
    block.close();
  }
}
