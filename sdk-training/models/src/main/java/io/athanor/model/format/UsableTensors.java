package io.athanor.model.format;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.model.SafeTensors;
import java.util.AbstractMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a checkpoint that can be used. Those of other element types, often buffers that no
 * model needs, are left out, and refused when they are asked for by name.
 */
final class UsableTensors extends AbstractMap<String, Tensor> {
  private final String source;
  private final Map<String, Tensor> tensors;
  private final Map<String, SafeTensors.Other> others;

  UsableTensors(String source, Map<String, Tensor> tensors, Map<String, SafeTensors.Other> others) {
    this.source = source;
    this.tensors = tensors;
    this.others = others;
  }

  /**
   * @throws UnsupportedException if its element type is another
   */
  @Override
  public @Nullable Tensor get(@Nullable Object name) {
    SafeTensors.Other other = others.get(name);
    if (other != null) {
      throw new UnsupportedException(
          source + ": tensor '" + name + "' has elements of the type " + other.type(),
          "Convert it to F32, F16, BF16 or I64, or take a version of the model that has it so");
    }
    return tensors.get(name);
  }

  @Override
  public boolean containsKey(@Nullable Object name) {
    return tensors.containsKey(name);
  }

  @Override
  public Set<Entry<String, Tensor>> entrySet() {
    return tensors.entrySet();
  }
}
