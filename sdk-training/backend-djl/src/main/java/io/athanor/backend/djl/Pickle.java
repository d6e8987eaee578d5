package io.athanor.backend.djl;

import io.athanor.api.common.Tensor;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes the few values that make up a TorchScript object, in pickle protocol 2. The elements of
 * tensors are only referred to; the archive stores them beside the pickle. Not thread-safe.
 *
 * @see <a href="https://peps.python.org/pep-0307/">Protocol 2</a>
 */
final class Pickle {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final List<Tensor> tensors = new ArrayList<>();

  Pickle() {
    op(0x80);
    op(2);
  }

  /** Begins a new object; attributes follow, each a {@link #text} and a value. */
  Pickle begin(String className) {
    return global("__torch__", className).op(')').op(0x81).op('}').op('(');
  }

  Pickle end() {
    return op('u').op('b');
  }

  Pickle flag(boolean value) {
    return op(value ? 0x88 : 0x89);
  }

  Pickle text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return op('X').littleEndian(utf8.length, 4).raw(utf8);
  }

  /** An empty value of type {@code List[Tensor]}. */
  Pickle noTensors() {
    return global("torch.jit._pickle", "build_tensorlist").op(']').op(0x85).op('R');
  }

  /**
   * A tensor of type F32.
   *
   * @param trained whether it asks for a gradient
   */
  Pickle tensor(Tensor tensor, boolean trained) {
    global("torch._utils", "_rebuild_tensor_v2").op('(');
    op('(').text("storage").global("torch", "FloatStorage");
    text(Integer.toString(tensors.size())).text("cpu").integer(tensor.elements());
    op('t').op('Q').integer(0);
    long[] shape = tensor.shape();
    integers(shape).integers(strides(shape)).flag(trained);
    global("collections", "OrderedDict").op(')').op('R');
    tensors.add(tensor);
    return op('t').op('R');
  }

  private static long[] strides(long[] shape) {
    long[] strides = new long[shape.length];
    long stride = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      strides[axis] = stride;
      stride *= shape[axis];
    }
    return strides;
  }

  private Pickle integers(long[] values) {
    op('(');
    for (long value : values) {
      integer(value);
    }
    return op('t');
  }

  private Pickle integer(long value) {
    return op(0x8a).op(Long.BYTES).littleEndian(value, Long.BYTES);
  }

  private Pickle global(String module, String name) {
    return raw(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private Pickle littleEndian(long value, int count) {
    for (int i = 0; i < count; i++) {
      op((int) (value >> (8 * i)));
    }
    return this;
  }

  private Pickle op(int code) {
    bytes.write(code);
    return this;
  }

  private Pickle raw(byte[] content) {
    bytes.writeBytes(content);
    return this;
  }

  /** The value of another whole pickle, of protocol 2. */
  Pickle value(byte[] pickle) {
    bytes.write(pickle, 2, pickle.length - 3);
    return this;
  }

  /** The whole pickle. */
  byte[] finish() {
    op('.');
    return bytes.toByteArray();
  }

  /** The tensors in it; their positions are the names of their elements in the archive. */
  List<Tensor> tensors() {
    return List.copyOf(tensors);
  }
}
