package io.athanor.backend.dl4j;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.internal.memory.AbstractMemoryMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The arrays of a program's runs, freed together. ND4J's own memory manager frees an array as soon
 * as no operation waits for it, also where another one is a view of it; without any, the memory
 * would wait for Java's garbage collector, which does not see it.
 */
final class RunMemory extends AbstractMemoryMgr {
  private final List<INDArray> arrays = new ArrayList<>();
  private long bytes;

  @Override
  public INDArray allocate(boolean detached, DataType type, long... shape) {
    return kept(Nd4j.createUninitializedDetached(type, shape));
  }

  @Override
  public INDArray allocate(boolean detached, LongShapeDescriptor descriptor) {
    return kept(
        descriptor.isEmpty()
            ? Nd4j.create(descriptor)
            : Nd4j.createUninitializedDetached(descriptor.dataType(), descriptor.getShape()));
  }

  private INDArray kept(INDArray array) {
    arrays.add(array);
    bytes += array.length() * array.dataType().width();
    return array;
  }

  @Override
  public void release(INDArray array) {
    // Everything goes together.
  }

  @Override
  public void close() {
    for (INDArray array : arrays) {
      if (array.closeable()) {
        array.close();
      }
    }
    arrays.clear();
    bytes = 0;
  }

  long bytes() {
    return bytes;
  }
}
