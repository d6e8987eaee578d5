package io.athanor.backend.dl4j.network;

import io.athanor.api.graph.Value;
import org.jspecify.annotations.Nullable;

/**
 * What flows from vertex to vertex. DL4J's time series {@code [b, size, t]} are {@code [b, t,
 * size]} here, and so their layers that look at one step at a time need no rearranging.
 *
 * @param value rows {@code [b, size]}, time series {@code [b, t, size]}, pictures {@code [b, c, h,
 *     w]}, or ids {@code I64 [b, t]}
 * @param mask of the text that a time series or ids come from
 */
record Signal(Value value, @Nullable Value mask) {
  int rank() {
    return value.shape().rank();
  }

  /** The axis that DL4J counts as 1, of features or channels. */
  int featureAxis() {
    return rank() == 3 ? 2 : 1;
  }

  long features() {
    return value.shape().dim(featureAxis()).offset();
  }

  Signal with(Value other) {
    return new Signal(other, mask);
  }

  /** One step or the mean of all: a mask means nothing any more. */
  Signal rows(Value other) {
    return new Signal(other, null);
  }
}
