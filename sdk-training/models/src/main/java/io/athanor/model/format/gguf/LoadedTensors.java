package io.athanor.model.format.gguf;

import io.athanor.api.common.Tensor;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Tensors that are loaded when they are asked for, each time anew, so that none is kept. */
final class LoadedTensors extends AbstractMap<String, Tensor> {
  private final Map<String, Supplier<Tensor>> loaders;

  LoadedTensors(Map<String, Supplier<Tensor>> loaders) {
    this.loaders = new LinkedHashMap<>(loaders);
  }

  @Override
  public int size() {
    return loaders.size();
  }

  @Override
  public boolean containsKey(@Nullable Object name) {
    return loaders.containsKey(name);
  }

  @Override
  public @Nullable Tensor get(@Nullable Object name) {
    Supplier<Tensor> loader = loaders.get(name);
    return loader == null ? null : loader.get();
  }

  @Override
  public Set<String> keySet() {
    return Collections.unmodifiableSet(loaders.keySet());
  }

  @Override
  public Set<Entry<String, Tensor>> entrySet() {
    return new AbstractSet<>() {
      @Override
      public Iterator<Entry<String, Tensor>> iterator() {
        Iterator<Entry<String, Supplier<Tensor>>> inner = loaders.entrySet().iterator();
        return new Iterator<>() {
          @Override
          public boolean hasNext() {
            return inner.hasNext();
          }

          @Override
          public Entry<String, Tensor> next() {
            Entry<String, Supplier<Tensor>> next = inner.next();
            return Map.entry(next.getKey(), next.getValue().get());
          }
        };
      }

      @Override
      public int size() {
        return loaders.size();
      }
    };
  }
}
