package io.athanor.backend.djl;

import io.athanor.api.common.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The latest calls of one method, the most recent first. Not thread-safe. */
final class Calls<C extends Call> {
  private static final int KEPT = 8;

  private final Function<List<Map<String, Tensor>>, C> maker;
  private final List<C> kept = new ArrayList<>();

  Calls(Function<List<Map<String, Tensor>>, C> maker) {
    this.maker = maker;
  }

  /** A call that holds these tensors. */
  C loaded(List<Map<String, Tensor>> tensors) {
    C call = find(tensors);
    call.load(tensors);
    return call;
  }

  private C find(List<Map<String, Tensor>> tensors) {
    for (int i = 0; i < kept.size(); i++) {
      if (kept.get(i).fits(tensors)) {
        C call = kept.remove(i);
        kept.add(0, call);
        return call;
      }
    }
    C call = maker.apply(tensors);
    kept.add(0, call);
    if (kept.size() > KEPT) {
      kept.remove(KEPT).close();
    }
    return call;
  }
}
