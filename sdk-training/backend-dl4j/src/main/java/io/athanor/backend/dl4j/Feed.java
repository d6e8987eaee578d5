package io.athanor.backend.dl4j;

import java.nio.FloatBuffer;

/** Writes what Java makes of a batch into the memory from which a program reads it. */
@FunctionalInterface
interface Feed {
  /**
   * @param into has room for exactly the elements; zeros or those of an earlier run
   * @throws io.athanor.api.error.GraphException if the batch does not fit
   */
  void fill(FloatBuffer into, Call call);
}
