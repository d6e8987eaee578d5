package io.athanor.deploy.safety;

import java.util.List;

/**
 * Looks for passages that should not be read: of a prompt by the model, or of an answer by people.
 * Thread-safe.
 */
public interface TextFilter {
  /** The reach of a filter that must see a text whole. */
  int WHOLE_TEXT = Integer.MAX_VALUE;

  /** The passages of a text that this filter objects to, in any order; they may overlap. */
  List<FilterMatch> inspect(String text);

  /**
   * How many characters a passage may have, at least 1. While an answer is streamed, so much of it
   * is held back until what follows is known; longer passages may be seen in part only. With {@link
   * #WHOLE_TEXT} nothing is given out before the answer is complete.
   */
  int reach();
}
