package io.athanor.data.text;

import java.util.List;

/**
 * What a row gave to learn from.
 *
 * @param items sequences that stay together, the {@link TextForm#width} of them in each; none if
 *     there is nothing to learn
 * @param fit whether it fitted into the context
 * @param tokens how long it was before it was cut
 */
record Example(List<List<Sequence>> items, Fit fit, int tokens) {
  /** What became of a row. */
  enum Fit {
    /** All of it is used. */
    WHOLE,
    /** It was longer than the context, and a part is used. */
    CUT,
    /** Without what must be kept nothing of it is used. */
    TOO_LONG,
    /** It has no token that could be learned. */
    EMPTY
  }

  static Example of(Fit fit, int tokens, Sequence... item) {
    return new Example(List.of(List.of(item)), fit, tokens);
  }

  static Example empty() {
    return new Example(List.of(), Fit.EMPTY, 0);
  }

  static Example tooLong(int tokens) {
    return new Example(List.of(), Fit.TOO_LONG, tokens);
  }
}
