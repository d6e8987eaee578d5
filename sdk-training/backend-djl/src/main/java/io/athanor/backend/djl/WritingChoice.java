package io.athanor.backend.djl;

import io.athanor.api.graph.Graph;
import java.util.Optional;

/**
 * How gradients are written.
 *
 * @param recordAll leaves every gradient to autograd
 * @param leastClasses from how many classes on a {@link Head} is written as one
 */
record WritingChoice(boolean recordAll, long leastClasses) {
  /** Rules where there are any, and a head as one where its logits would fill the memory. */
  static final WritingChoice STANDARD = new WritingChoice(false, 4096);

  Optional<Head> head(Graph graph) {
    return recordAll ? Optional.empty() : Head.find(graph, Head.needed(graph), leastClasses);
  }
}
