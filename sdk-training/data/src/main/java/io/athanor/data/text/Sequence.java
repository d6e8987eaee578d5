package io.athanor.data.text;

/**
 * Token ids, and which of them a model is to learn to say. Immutable; four bytes for each token: an
 * id that is not scored is kept as its complement.
 */
public final class Sequence {
  private final int[] marked;

  private Sequence(int[] marked) {
    this.marked = marked;
  }

  /**
   * A part of some ids.
   *
   * @param from index of the first
   * @param to index after the last
   * @param scoredFrom index of the first that is scored, with all that follow
   */
  static Sequence of(int[] ids, int from, int to, int scoredFrom) {
    int[] marked = new int[to - from];
    for (int i = from; i < to; i++) {
      marked[i - from] = i >= scoredFrom ? ids[i] : ~ids[i];
    }
    return new Sequence(marked);
  }

  /** Takes ids of which those not scored are complements; not copied. */
  static Sequence ofMarked(int[] marked) {
    return new Sequence(marked);
  }

  public int length() {
    return marked.length;
  }

  public int id(int index) {
    return marked[index] < 0 ? ~marked[index] : marked[index];
  }

  /** Whether a model is to learn to say this token. */
  public boolean scored(int index) {
    return marked[index] >= 0;
  }

  /** How many tokens can be learned: the scored ones that have another before them. */
  public int targets() {
    int targets = 0;
    for (int i = 1; i < marked.length; i++) {
      if (scored(i)) {
        targets++;
      }
    }
    return targets;
  }

  /** About how much memory it takes. */
  long bytes() {
    return 48 + 4L * marked.length;
  }
}
